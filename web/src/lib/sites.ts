import type { KnownSite } from '@/api/types';

/** What a person calls a site: "Google" for google; a site that the program does not know is called by its mail servers. */
export function siteName(known: KnownSite[], site: string): string {
  return known.find((one) => one.site === site)?.name ?? site.replaceAll(',', ', ');
}

/** The site that a person means, by its name or id. */
export function siteOf(known: KnownSite[], typed: string): string {
  const word = typed.trim().toLowerCase().replace(/,\s+/g, ',');
  return known.find(({ site, name }) => site === word || name.toLowerCase() === word)?.site ?? word;
}
