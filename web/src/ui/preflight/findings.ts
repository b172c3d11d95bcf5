import type { Finding, FindingSeverity, PreflightReport } from '@/api/types';

export const severities: FindingSeverity[] = ['blocking', 'warning', 'info'];

/** What a check looks at, in the order in which a reader is told of it. */
export const areas = [
  'complete',
  'sender',
  'unsubscribe',
  'audience',
  'time',
  'subject',
  'words',
  'size',
  'links',
  'images',
  'programs',
  'spam',
] as const;
export type Area = (typeof areas)[number];

// The first that fits counts.
const areaOf: [RegExp, Area][] = [
  [/^cannot_start$/, 'complete'],
  [/unsubscribe|one_click/, 'unsubscribe'],
  [/^(dns_|domain_|from_|reply_|no_postal_address|no_warmup)/, 'sender'],
  [/^(audience|merge_|one_provider)/, 'audience'],
  [/^forecast/, 'time'],
  [/^(subject_|preheader_)/, 'subject'],
  [/^(clip|message_large)/, 'size'],
  [/^link_/, 'links'],
  [/^images?_/, 'images'],
  [/_(breaks|ignores)$/, 'programs'],
  [/^spam_/, 'spam'],
];

/** What a finding is about; a code that this version does not know is about the words. */
export function areaOfCode(code: string): Area {
  return areaOf.find(([pattern]) => pattern.test(code))?.[1] ?? 'words';
}

/**
 * The areas in which nothing is wrong. Nothing is claimed of what was not looked at: of the message when none could be made, of links and spam when nobody was asked.
 */
export function passedAreas(report: PreflightReport, campaign: boolean): Area[] {
  const wrong = new Set(report.findings.filter((one) => one.severity !== 'info').map((one) => areaOfCode(one.code)));
  const codes = new Set(report.findings.map((one) => one.code));
  const unbuilt = codes.has('not_built') || report.samples === 0;
  return areas.filter((area) => {
    if (wrong.has(area)) return false;
    if (area === 'complete') return campaign;
    if (area === 'audience') return codes.has('audience');
    if (area === 'time') return codes.has('forecast');
    if (area === 'sender') return campaign && !codes.has('domain_unknown');
    if (unbuilt) return false;
    if (area === 'links') {
      return (
        report.links.length > 0 && report.links.every((link) => link.state !== 'unchecked' && link.state !== 'unsure')
      );
    }
    if (area === 'spam') return codes.has('spam_score');
    return true;
  });
}

/** Where a finding is mended. */
export type Remedy = 'content' | 'details' | 'domains' | 'settings' | 'relays' | null;

const detailFields = ['from_email', 'from_name', 'reply_to', 'list_ids', 'segment_ids', 'relay_ids', 'relay_id'];
const settingFields = ['public_url', 'tracking_url', 'postal_address'];

/** The page on which a finding can be mended; null when there is nothing to do. */
export function remedyOf(finding: Pick<Finding, 'code' | 'where' | 'remedy'>): Remedy {
  const { code, where } = finding;
  const part = where[0]?.part ?? '';
  if (code.startsWith('dns_') || code === 'domain_unknown' || code === 'no_warmup') return 'domains';
  if (code === 'no_postal_address' || code === 'spam_unavailable' || settingFields.includes(part)) return 'settings';
  if (code.startsWith('forecast')) return finding.remedy ? 'relays' : null;
  if (detailFields.includes(part) || code.startsWith('audience_')) return 'details';
  if (['subject', 'preheader', 'html', 'text'].includes(part)) return 'content';
  if (code === 'cannot_start') return 'details';
  return finding.remedy && areaOfCode(code) !== 'spam' ? 'content' : null;
}

/** How a family of mail programs shows the mail, by what was found. */
export function supportOf(report: PreflightReport): { family: Family; level: 'good' | 'plainer' | 'breaks' }[] {
  const codes = new Set(report.findings.map((one) => one.code));
  return families.map((family) => ({
    family,
    level: codes.has(`${family}_breaks`) ? 'breaks' : codes.has(`${family}_ignores`) ? 'plainer' : 'good',
  }));
}

const families = ['gmail', 'apple_mail', 'outlook', 'thunderbird', 'mail_ru'] as const;
export type Family = (typeof families)[number];

/** Gmail shows so many bytes of the HTML and cuts the rest off. */
export const GMAIL_CUT = 102 * 1024;
/** From here on the check says that it is near. */
export const GMAIL_NEAR = 90 * 1024;
