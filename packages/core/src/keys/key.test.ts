import { describe, expect, it } from 'vitest'
import { keyStatus, maskedKey } from './key.ts'

const now = new Date('2026-11-21T09:30:00.000Z')
const BEFORE = '2026-11-21T09:29:59.999Z'
const AT = '2026-11-21T09:30:00.000Z'
const AFTER = '2026-11-21T09:30:00.001Z'
const plain = { revoked_at: null, disabled_at: null, member_deactivated_at: null, valid_from: null, valid_until: null }

describe('the state of a key', () => {
  it.each([
    ['active', {}],
    ['active', { valid_from: AT, valid_until: AFTER }],
    ['active', { valid_from: BEFORE }],
    ['not_yet_valid', { valid_from: AFTER }],
    ['expired', { valid_until: AT }],
    ['expired', { valid_until: BEFORE }],
    ['active', { valid_until: AFTER }],
    ['disabled', { disabled_at: BEFORE, valid_until: BEFORE }],
    ['disabled', { disabled_at: BEFORE, valid_from: AFTER }],
    ['disabled', { member_deactivated_at: BEFORE }],
    ['revoked', { revoked_at: BEFORE, member_deactivated_at: BEFORE }],
    ['revoked', { revoked_at: BEFORE, disabled_at: BEFORE, valid_until: BEFORE }],
    // Once is for good, whatever a clock says.
    ['revoked', { revoked_at: AFTER }],
  ])('is %s with %o', (status, changes) => {
    expect(keyStatus({ ...plain, ...changes }, now)).toBe(status)
  })
})

it('a mask shows the last four characters', () => {
  expect(maskedKey('x7Qa')).toBe('sk-stp-…x7Qa')
})
