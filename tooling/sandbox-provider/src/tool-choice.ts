import type { Prompt, Tool } from './prompt.ts'
import { plainPart } from './prose.ts'
import { type Fields, isFields, propertiesOf, sample } from './schema-sample.ts'

export type ChosenCall = { tool: Tool; input: string }

/**
 * The call the model makes, if any: after a user's message only. With `auto`, a tool is suitable when the user names it, when the user
 * wants a file and the tool writes files (or runs commands), or when its name has a word the user uses (`get_weather`, "the weather").
 * `forced` names one, whatever `tool_choice` says.
 */
export function chooseCall(prompt: Prompt, forced: string | undefined): ChosenCall | undefined {
  const { tools, toolChoice, last } = prompt
  if (tools.length === 0 || last !== 'user') return undefined
  if (forced !== undefined) return called(findTool(tools, forced), prompt)
  if (toolChoice === 'none') return undefined
  if (typeof toolChoice === 'object') return called(findTool(tools, toolChoice.name), prompt)

  const asked = plainPart(prompt.question)
  const suitable = namedTool(tools, asked) ?? fileTool(tools, asked) ?? relatedTool(tools, asked)
  return called(suitable ?? (toolChoice === 'required' ? tools[0] : undefined), prompt)
}

function findTool(tools: readonly Tool[], name: string): Tool | undefined {
  return tools.find((tool) => tool.name === name)
}

function called(tool: Tool | undefined, prompt: Prompt): ChosenCall | undefined {
  if (tool === undefined) return undefined
  const asked = plainPart(prompt.question)
  const file = fileWanted(prompt, asked)
  if (tool.kind === 'custom') return { tool, input: customInput(tool, file, asked) }
  const input = sample(tool.schema, (field, schema) => argument(field, schema, file, asked), fileFields(tool))
  return { tool, input: JSON.stringify(isFields(input) ? input : {}) }
}

/** What a tool that writes files must be told, though its schema may not say so: it can do other things as well. */
function fileFields(tool: Tool): string[] {
  if (!writesFiles(tool)) return []
  const names = Object.keys(propertiesOf(tool.schema))
  const required = requiredOf(tool)
  return [PATH_FIELD, CONTENT_FIELD].flatMap((kind) =>
    required.some((name) => kind.test(name)) ? [] : names.filter((name) => kind.test(name)).slice(0, 1),
  )
}

function namedTool(tools: readonly Tool[], asked: string): Tool | undefined {
  const words = new Set(asked.match(/[\w.-]+/g))
  // "bash" or "read" is a word of any sentence; a name with a seam isn't.
  return tools.find((tool) => /[a-z](?:_|-|[A-Z])/.test(tool.name) && words.has(tool.name))
}

const FILE_NAME = /(?:^|[\s"'`“(])((?:[\w.-]+\/)*[\w-]+\.[A-Za-z]\w{0,7})(?=$|[\s"'`”),.;:!?])/

function fileTool(tools: readonly Tool[], asked: string): Tool | undefined {
  if (!/\b(create|write|make|save|add|generate|put)\b/i.test(asked)) return undefined
  if (!/\bfile\b/i.test(asked) && !FILE_NAME.test(asked)) return undefined
  const writers = tools.filter(writesFiles)
  return (
    writers.find((tool) => /write|create|save/i.test(tool.name)) ??
    writers[0] ??
    tools.find((tool) => tool.kind === 'custom' && (/patch/i.test(tool.name) || takesScripts(tool))) ??
    tools.find((tool) => commandField(tool) !== undefined)
  )
}

const PATH_FIELD = /path|file_?name|^file$|^name$/i
const CONTENT_FIELD = /^((file|new)_?)?(contents?|text|body|code|data)$/i
const COMMAND_FIELD = /^(commands?|cmd|script)$/i
/** Such a tool changes what is there, and asks for what that was. */
const OLD_FIELD = /^(old|original)/i

function requiredOf({ schema }: Tool): string[] {
  return isFields(schema) && Array.isArray(schema.required) ? schema.required.map(String) : []
}

function writesFiles(tool: Tool): boolean {
  if (requiredOf(tool).some((name) => OLD_FIELD.test(name))) return false
  const names = Object.keys(propertiesOf(tool.schema))
  return names.some((name) => PATH_FIELD.test(name)) && names.some((name) => CONTENT_FIELD.test(name))
}

function commandField(tool: Tool): string | undefined {
  return Object.keys(propertiesOf(tool.schema)).find((name) => COMMAND_FIELD.test(name))
}

/** Words too common in names to say what a tool is about. */
const COMMON = new Set(
  'get set add list find make create write read edit run search query tool file files the for and all use new from with'.split(
    ' ',
  ),
)

function relatedTool(tools: readonly Tool[], asked: string): Tool | undefined {
  const words = new Set(asked.toLowerCase().match(/\p{L}{3,}/gu))
  return tools.find((tool) =>
    wordsOfName(tool.name).some((word) => !COMMON.has(word) && (words.has(word) || words.has(`${word}s`))),
  )
}

function wordsOfName(name: string): string[] {
  return (
    name
      .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .match(/[a-z]{3,}/g) ?? []
  )
}

type File = { name: string; path: string; line: string; folder: string | undefined }

const LINE = 'Hello from the sandbox model.'

function fileWanted(prompt: Prompt, asked: string): File {
  const name = FILE_NAME.exec(asked)?.[1] ?? 'hello.txt'
  const folder = workingFolder(prompt)
  return { name, path: folder === undefined ? name : `${folder.replace(/\/$/, '')}/${name}`, line: LINE, folder }
}

/** `Working directory: /a/b`, `working in the directory: /a/b`, `<cwd>/a/b</cwd>` and their like. */
const WORKING_FOLDER =
  /(?:working (?:in the )?directory|current directory|workspace(?: root)?(?: folder)?|cwd)(?: is)?[\s"'*`:=(<>]{1,12}(\/[^\s<>"'`*),]+)/i

/** Coding tools say in their instructions where they work; some of their tools want absolute paths. */
function workingFolder(prompt: Prompt): string | undefined {
  for (const { text } of prompt.segments) {
    const found = WORKING_FOLDER.exec(text.slice(0, 200_000))
    if (found?.[1] !== undefined) return found[1]
  }
  return undefined
}

function argument(field: string, schema: Fields, file: File, asked: string): unknown {
  if (Array.isArray(schema.enum)) return schema.enum.find((one) => /^(create|write)/i.test(String(one)))
  if (COMMAND_FIELD.test(field)) {
    const command = `printf '%s\\n' '${file.line}' > '${file.name}'`
    if (schema.type !== 'array') return command
    return field.endsWith('s') ? [command] : ['bash', '-lc', command]
  }
  if (/timeout/i.test(field)) return 60_000
  if (/^(cwd|work_?dir|working_?directory)$/i.test(field)) return file.folder ?? '.'
  if (PATH_FIELD.test(field)) return isAbsolute(field, schema) ? file.path : file.name
  if (CONTENT_FIELD.test(field)) return `${file.line}\n`
  if (/city|location|place|town/i.test(field))
    return /\b(?:in|for|at|of) (\p{Lu}[\p{L}-]+(?: \p{Lu}[\p{L}-]+)*)/u.exec(asked)?.[1] ?? 'Paris'
  if (/query|question|prompt|input|search|message/i.test(field)) return asked.slice(0, 200)
  if (/url|link/i.test(field)) return 'https://example.com/'
  return undefined
}

function isAbsolute(field: string, schema: Fields): boolean {
  const said = `${field} ${String(schema.description ?? '')}`
  return /absolute/i.test(said) && !/absolute or relative|relative or absolute/i.test(said)
}

/** A tool that runs JavaScript, in which further tools are called, as Codex gives to its newest models. */
function takesScripts({ description }: Tool): boolean {
  return description.includes('JavaScript') && description.includes('apply_patch(')
}

function customInput(tool: Tool, file: File, asked: string): string {
  const patch = `*** Begin Patch\n*** Add File: ${file.name}\n+${file.line}\n*** End Patch\n`
  if (takesScripts(tool)) return `text(await tools.apply_patch(${JSON.stringify(patch)}))\n`
  return /patch/i.test(`${tool.name} ${tool.description}`) ? patch : asked.slice(0, 200) || file.line
}
