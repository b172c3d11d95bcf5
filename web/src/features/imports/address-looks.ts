import type { ImportFlag, ImportLooks } from '@/api/types';

export const flags: ImportFlag[] = ['typo', 'role', 'disposable', 'no_mx'];

/** What is done about addresses of a kind: nothing is looked for, they are pointed out, or their rows are left out. */
export type Look = 'ignore' | 'flag' | 'reject';

const SWITCHES = {
  typo: 'flag_typos',
  role: 'flag_roles',
  disposable: 'flag_disposable',
  no_mx: 'check_mx',
} as const satisfies Record<ImportFlag, keyof ImportLooks>;

/** Asking DNS takes time, so it is done on request only. */
const byDefault = (flag: ImportFlag) => flag !== 'no_mx';

export function lookOf(looks: ImportLooks, flag: ImportFlag): Look {
  if (!(looks[SWITCHES[flag]] ?? byDefault(flag))) return 'ignore';
  return looks.reject_flagged?.includes(flag) ? 'reject' : 'flag';
}

/** Changes what is done about one kind. What is as by default is left out. */
export function withLook<T extends ImportLooks>(looks: T, flag: ImportFlag, look: Look): T {
  const { [SWITCHES[flag]]: _, reject_flagged, ...rest } = looks;
  const rejected = flags.filter((one) => (one === flag ? look === 'reject' : reject_flagged?.includes(one)));
  const on = look !== 'ignore';
  return {
    ...rest,
    ...(on === byDefault(flag) ? {} : { [SWITCHES[flag]]: on }),
    ...(rejected.length > 0 ? { reject_flagged: rejected } : {}),
  } as T;
}
