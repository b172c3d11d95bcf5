import { describe, expect, it } from 'vitest';
import { flags, lookOf, withLook } from './address-looks';

describe('lookOf', () => {
  it('points out by default, and asks DNS on request only', () => {
    expect(flags.map((flag) => lookOf({}, flag))).toEqual(['flag', 'flag', 'flag', 'ignore']);
  });

  it('reads what was chosen', () => {
    const looks = { flag_roles: false, check_mx: true, reject_flagged: ['disposable' as const] };
    expect(flags.map((flag) => lookOf(looks, flag))).toEqual(['flag', 'ignore', 'reject', 'flag']);
  });
});

describe('withLook', () => {
  it('says only what differs from the default', () => {
    expect(withLook({}, 'role', 'ignore')).toEqual({ flag_roles: false });
    expect(withLook({ flag_roles: false }, 'role', 'flag')).toEqual({});
    expect(withLook({}, 'no_mx', 'reject')).toEqual({ check_mx: true, reject_flagged: ['no_mx'] });
    expect(withLook({ check_mx: true, reject_flagged: ['no_mx'] }, 'no_mx', 'ignore')).toEqual({});
  });

  it('leaves the others as they are', () => {
    const looks = { flag_typos: false, reject_flagged: ['role' as const] };
    expect(withLook(looks, 'disposable', 'reject')).toEqual({
      flag_typos: false,
      reject_flagged: ['role', 'disposable'],
    });
  });
});
