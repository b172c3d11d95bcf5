import { describe, expect, it } from 'vitest';
import {
  addVariant,
  asVariant,
  canDecide,
  differsIn,
  doubtOf,
  letter,
  minutesOf,
  newTest,
  ownWords,
  peopleOf,
  scaleOf,
  waitOf,
  withPart,
} from './variants';

const campaign = { subject: 'News', from_name: 'Ada', preheader: '', html: '<p>Hi</p>', text: '' };

it('calls variants by letters', () => {
  expect([1, 2, 5].map(letter)).toEqual(['A', 'B', 'E']);
});

describe('what variants differ in', () => {
  const { variants } = newTest(campaign, 'clicks');
  it('begins with the subject, filled with the words of the campaign', () => {
    expect(variants.map((one) => one.subject)).toEqual(['News', 'News']);
    expect(differsIn(variants, 'content')).toBe(false);
  });
  it('takes both parts of the content together, and lets them go again', () => {
    const more = withPart(variants, 'content', true, campaign);
    expect(more[1]).toMatchObject({ html: '<p>Hi</p>', text: '' });
    expect(withPart(more, 'content', false, campaign)).toEqual(variants);
  });
  it('keeps what a variant has already', () => {
    const own = [{ ...campaign, subject: 'Other' }];
    expect(withPart(own, 'subject', true, campaign)[0]?.subject).toBe('Other');
  });
  it('gives one more variant the same parts', () => {
    expect(addVariant(variants, campaign)[2]).toEqual({ ...variants[0] });
  });
  it('leaves what a variant does not have as in the campaign', () => {
    expect(asVariant(campaign, { ...variants[0], subject: 'B' } as never)).toEqual({ ...campaign, subject: 'B' });
  });
});

it('shows a wait in its largest whole unit, and back', () => {
  expect(waitOf(240)).toEqual({ value: 4, unit: 'hours' });
  expect(waitOf(90)).toEqual({ value: 90, unit: 'minutes' });
  expect(waitOf(2880)).toEqual({ value: 2, unit: 'days' });
  expect(minutesOf(2, 'days')).toBe(2880);
});

it('scales intervals to the highest one of those that have figures', () => {
  const { at } = scaleOf([
    { rate: 0.1, low: 0.05, high: 0.2, sent: 100 },
    { rate: 0, low: 0, high: 1, sent: 0 },
  ]);
  expect(at(0.21)).toBeCloseTo(100);
});

it('lets nobody decide a test without a rest', () => {
  expect(canDecide({ state: 'running', sample_percent: 100 })).toBe(false);
  expect(canDecide({ state: 'asking', sample_percent: 20 })).toBe(true);
  expect(canDecide({ state: 'decided', sample_percent: 20 })).toBe(false);
});

it('calls nobody ahead, and weighs no luck, while nothing tells the variants apart', () => {
  expect([1, 2].map((variant) => doubtOf({ best: null }, { variant, p: 1 }))).toEqual([null, null]);
  expect([1, 2].map((variant) => doubtOf({ best: 2 }, { variant, p: 0.04 }))).toEqual([0.04, 'ahead']);
});

it('says how many people get each variant, and by what it is known', () => {
  expect(peopleOf(921, 20, 3)).toBe(61);
  expect(peopleOf(921, 100, 3)).toBe(307);
  expect(ownWords({ subject: 'B', from_name: 'Ada', preheader: null, html: null, text: null }, 'A')).toBe('B · Ada');
  expect(ownWords({ subject: null, from_name: null, preheader: null, html: '<p>', text: null }, 'A')).toBe('A');
});
