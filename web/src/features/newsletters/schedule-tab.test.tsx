import { useForm } from '@mantine/form';
import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Newsletter } from '@/api/types';
import { createFakeApi } from '@/test/fake-api';
import { newsletter } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { valuesOf } from './form';
import { ScheduleTab } from './schedule-tab';

function Held({ schedule }: { schedule: Partial<Newsletter['schedule']> }) {
  const values = valuesOf(newsletter);
  const form = useForm({ initialValues: { ...values, schedule: { ...values.schedule, ...schedule } } });
  return (
    <>
      <output>{form.values.schedule.rule}</output>
      <ScheduleTab form={form} />
    </>
  );
}

/** Shows a schedule; gives the rule that comes of what is done with it. */
async function open(schedule: Partial<Newsletter['schedule']>) {
  const fake = createFakeApi();
  fake.on('POST /schedules/preview', ({ body }) => {
    const { exdates = [] } = body as { exdates?: string[] };
    const runs = ['2027-03-01', '2027-03-08'].map((date) => ({
      ...{ date, at: `${date}T09:00:00Z`, local: `${date}T09:00`, offset: 0, shift: '' },
      out: exdates.includes(date) ? 'excepted' : '',
    }));
    return { status: 200, body: { description: { english: 'every Monday', parts: [] }, runs } };
  });
  const { container } = renderPart(<Held schedule={schedule} />, fake);
  await screen.findByRole('group', { name: 'Usual schedules' });
  return () => container.querySelector('output')?.textContent;
}
const click = (name: string) => userEvent.click(screen.getByRole('button', { name }));
const day = (name: string) => userEvent.click(screen.getByRole('checkbox', { name }));

it('keeps the end of a rule that there are no fields for when a usual one is chosen', async () => {
  const rule = await open({ rule: 'FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1;UNTIL=20271231' });
  await click('Every Monday');
  expect(rule()).toBe('FREQ=WEEKLY;BYDAY=MO;UNTIL=20271231');
});

it('keeps the choice of days while days are chosen, also when they are Monday to Friday by then', async () => {
  const rule = await open({ rule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH' });
  await day('Fri');
  expect(rule()).toBe('FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR');
  await day('Sat');
  expect(rule()).toBe('FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA');
});

it('keeps the interval while another one is typed', async () => {
  const rule = await open({ rule: 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR' });
  const every = screen.getByRole('textbox', { name: /^Every/ });
  await userEvent.clear(every);
  await userEvent.type(every, '12');
  expect(every).toHaveValue('12');
  expect(rule()).toBe('FREQ=WEEKLY;INTERVAL=12;BYDAY=MO,TU,WE,TH,FR');
});

it('ends a year after the start, where that is a day that is not in every year', async () => {
  const rule = await open({ rule: 'FREQ=DAILY', start: '2028-02-29T09:00' });
  await userEvent.click(screen.getByRole('combobox', { name: 'Ends' }));
  await userEvent.click(await screen.findByRole('option', { name: /date/ }));
  expect(rule()).toBe('FREQ=DAILY;UNTIL=20290301');
});

it('leaves a date out once, and calls each button by its date', async () => {
  await open({ rule: 'FREQ=WEEKLY;BYDAY=MO', exdates: [] });
  await userEvent.dblClick(await screen.findByRole('button', { name: 'Leave out 2027-03-01' }));
  expect(screen.getAllByRole('button', { name: 'Take 2027-03-01 back in' })).toHaveLength(1);
  const row = (await screen.findByRole('button', { name: 'Take back in 2027-03-01' })).closest('tr');
  expect(row && within(row).getByText('Take back in')).toBeVisible();
});
