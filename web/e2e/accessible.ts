import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

/** Looks at the page as it is with axe, by WCAG 2.2 AA; with seriousOnly minor findings pass. */
export async function expectAccessible(page: Page, { seriousOnly = false } = {}) {
  // A colour on its way from one scheme to the other has any contrast.
  await page.evaluate(() => {
    const ends = document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity);
    return Promise.allSettled(ends.map((one) => one.finished));
  });
  const axe = new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']).setLegacyMode(true);
  const { violations } = await axe.analyze();
  const counted = violations.filter((one) => !seriousOnly || one.impact === 'serious' || one.impact === 'critical');
  expect(counted.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
}
