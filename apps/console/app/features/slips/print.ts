import encodeQr from 'qr'
import { budgetWords, howToStart, KEEP_IT, paperWindow, qrText, type Slip, type SlipSheet } from './slip.ts'

/** The slips as a page of their own to print from the browser, which knows every script there is. No script in it. */
export function makePrintPage(sheet: SlipSheet): string {
  const title = escaped(`Keys of ${sheet.place}`)
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1>${sheet.slips.map((slip) => slipHtml(sheet, slip)).join('\n')}</main></body>
</html>`
}

function slipHtml(sheet: SlipSheet, slip: Slip): string {
  const [scan = '', choose = '', base_url = ''] = howToStart(sheet)
  const zone =
    slip.valid_from === null && slip.valid_until === null ? '' : ` <small>(${escaped(sheet.time_zone)})</small>`
  return `<section>
<div class="qr">${encodeQr(qrText(sheet, slip), 'svg', { ecc: 'medium', border: 2 })}</div>
<h2 dir="auto">${escaped(slip.name)}</h2>
<p class="place">${escaped(sheet.place)} · ${escaped(sheet.tenant_name)}</p>
<p>Budget <b>${escaped(budgetWords(slip))}</b></p>
<p>Works <b>${escaped(paperWindow(slip, sheet.time_zone, sheet.made_at))}</b>${zone}</p>
<p class="key"><code>${escaped(slip.secret)}</code></p>
<ol><li>${escaped(scan)}</li><li>${escaped(choose)} <code>${escaped(base_url)}</code></li></ol>
<p class="keep">${escaped(KEEP_IT)}</p>
</section>`
}

const STYLE = `
@page { margin: 8mm }
* { box-sizing: border-box }
body { margin: 0; font: 9pt/1.35 system-ui, "Noto Sans", sans-serif; color: #000; background: #fff }
main { display: flex; flex-wrap: wrap; max-width: 200mm; margin: 0 auto }
h1 { width: 100%; font-size: 13pt; margin: 6mm 0 }
section { width: 50%; height: 68mm; padding: 5mm; border: 1px dashed #999; break-inside: avoid; overflow: hidden }
h2 { font-size: 13pt; margin: 0; overflow-wrap: anywhere }
p { margin: 0 0 1mm } ol { margin: 1mm 0; padding-left: 5mm; font-size: 8pt }
.qr { float: right; width: 27mm; margin-left: 3mm } .qr svg { width: 27mm; height: 27mm; display: block }
.place, .keep { color: #555; font-size: 8pt }
.key { clear: both; background: #eee; padding: 1mm 2mm; white-space: nowrap; overflow-x: auto }
code { font: 8.2pt ui-monospace, "Noto Sans Mono", monospace }
@media print { h1 { display: none } .key { print-color-adjust: exact } }`

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
