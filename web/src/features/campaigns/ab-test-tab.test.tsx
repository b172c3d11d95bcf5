import { useForm } from '@mantine/form';
import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Campaign, CampaignInput } from '@/api/types';
import { campaigns } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { AbTestTab } from './ab-test-tab';
import { inputOf } from './input';
import { addVariant, newTest } from './variants';

const draft = campaigns[0] as Campaign;

function Held({ subjects }: { subjects: string[] }) {
  const test = newTest(draft, 'clicks');
  const variants = subjects.reduce((all) => addVariant(all, draft), test.variants.slice(0, 0));
  const ab_test = { ...test, variants: variants.map((one, index) => ({ ...one, subject: subjects[index] ?? '' })) };
  const form = useForm<CampaignInput>({ initialValues: { ...inputOf(draft), ab_test } });
  return <AbTestTab form={form} campaign={draft} />;
}
const subjects = () =>
  screen.queryAllByRole('textbox', { name: 'Subject' }).map((field) => (field as HTMLInputElement).value);
const open = async (...words: string[]) => {
  renderPart(<Held subjects={words} />);
  await screen.findByRole('group', { name: 'They differ in' });
};

it('asks before a click makes the variants alike in what was written', async () => {
  await open('One', 'Two');
  await userEvent.click(screen.getByRole('checkbox', { name: 'Subject' }));
  const dialog = await screen.findByRole('dialog', { name: 'Make the variants alike in “Subject”?' });
  expect(subjects()).toEqual(['One', 'Two']);
  await userEvent.click(within(dialog).getByRole('button', { name: 'Make them alike' }));
  await waitFor(() => expect(subjects()).toEqual([]));
});

it('asks nothing where nothing was written', async () => {
  await open(draft.subject, draft.subject);
  await userEvent.click(screen.getByRole('checkbox', { name: 'Subject' }));
  await waitFor(() => expect(subjects()).toEqual([]));
});

it('asks before a variant in which something was written is deleted', async () => {
  await open('One', 'Two', draft.subject);
  await userEvent.click(screen.getByRole('button', { name: 'Delete variant B' }));
  const dialog = await screen.findByRole('dialog', { name: 'Delete variant B?' });
  expect(subjects()).toHaveLength(3);
  await userEvent.click(within(dialog).getByRole('button', { name: 'Delete variant B' }));
  await waitFor(() => expect(subjects()).toEqual(['One', draft.subject]));
});

it('waits for a part of an hour', async () => {
  await open('One', 'Two');
  const wait = screen.getByRole('textbox', { name: /^Time to answer/ });
  await userEvent.clear(wait);
  await userEvent.type(wait, '0.5');
  expect(wait).toHaveValue('0.5');
  await userEvent.tab();
  expect(wait).toHaveValue('0.5');
});
