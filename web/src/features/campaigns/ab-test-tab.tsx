import {
  Button,
  Chip,
  Grid,
  Group,
  Input,
  NumberInput,
  Paper,
  Radio,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconEye, IconFlask2, IconPlus, IconTrash } from '@tabler/icons-react';
import type { TFunction } from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { AbTestInput, Campaign, CampaignInput } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { EmptyState } from '@/ui/empty-state';
import { FormAlert } from '@/ui/form-alert';
import { NumberField } from '@/ui/number-field';
import { Section } from '@/ui/section';
import { VariantDialog } from './variant-dialog';
import {
  addVariant,
  differsIn,
  EVERYBODY,
  isWritten,
  letter,
  MAX_VARIANTS,
  MIN_VARIANTS,
  minutesOf,
  newTest,
  type Part,
  parts,
  type WaitUnit,
  waitOf,
  withPart,
} from './variants';

type Form = UseFormReturnType<CampaignInput>;
type Props = { form: Form; campaign: Campaign };
type TestProps = Props & { test: AbTestInput; change: (change: Partial<AbTestInput>) => void };

/** Variants of a campaign that are tried on a part of its people first. */
export function AbTestTab({ form, campaign }: Props) {
  const { t } = useTranslation();
  const { values } = form;
  const test = values.ab_test as AbTestInput | null;
  if (!test) {
    const metric = values.track_clicks ? 'clicks' : 'opens';
    return (
      <Paper>
        <EmptyState
          icon={IconFlask2}
          title={t('campaigns.ab.empty')}
          text={t('campaigns.ab.emptyText')}
          action={
            <Button onClick={() => form.setFieldValue('ab_test', newTest(values, metric))}>
              {t('campaigns.ab.add')}
            </Button>
          }
        />
        {form.errors.ab_test && <FormAlert message={String(form.errors.ab_test)} />}
      </Paper>
    );
  }
  const change = (next: Partial<AbTestInput>) => form.setFieldValue('ab_test', { ...test, ...next });
  const remove = () =>
    confirmAction({
      title: t('campaigns.ab.removeTitle'),
      body: t('campaigns.ab.removeText'),
      confirm: t('campaigns.ab.remove'),
      onConfirm: () => form.setFieldValue('ab_test', null),
    });
  const props = { form, campaign, test, change };
  const general = ['ab_test', 'ab_test.variants'].map((path) => form.errors[path]).filter(Boolean);
  return (
    <Stack>
      <FormAlert message={general.length > 0 ? general.join('; ') : null} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Section
            title={t('campaigns.ab.variants')}
            description={t('campaigns.ab.variantsText')}
            actions={
              <Button size="compact-sm" variant="default" onClick={remove}>
                {t('campaigns.ab.remove')}
              </Button>
            }
          >
            <Variants {...props} />
          </Section>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Section title={t('campaigns.ab.rules')}>
            <Rules {...props} />
          </Section>
        </Grid.Col>
      </Grid>
    </Stack>
  );
}

function Variants({ form, campaign, test, change }: TestProps) {
  const { t } = useTranslation();
  const [looked, setLooked] = useState<number | null>(null);
  const { variants } = test;
  const on = parts.filter((part) => differsIn(variants, part));
  const choose = (chosen: string[]) => {
    const turned = parts.find((part) => chosen.includes(part) !== on.includes(part));
    if (!turned) return;
    const turn = () => change({ variants: withPart(variants, turned, chosen.includes(turned), form.values) });
    if (chosen.includes(turned) || !isWritten(variants, [turned], form.values)) return turn();
    confirmAction({
      title: t('campaigns.ab.alikeTitle', { part: t(`campaigns.ab.part.${turned}`) }),
      body: t('campaigns.ab.alikeText'),
      confirm: t('campaigns.ab.alike'),
      onConfirm: turn,
    });
  };
  const remove = (index: number) => {
    const take = () => change({ variants: variants.filter((_, other) => other !== index) });
    if (!isWritten(variants.slice(index, index + 1), parts, form.values)) return take();
    const one = { letter: letter(index + 1) };
    confirmAction({
      title: t('campaigns.ab.takeTitle', one),
      body: t('campaigns.ab.takeText'),
      confirm: t('campaigns.ab.take', one),
      onConfirm: take,
    });
  };
  const content = on.includes('content');
  return (
    <Stack>
      <Input.Wrapper label={t('campaigns.ab.differ')} labelElement="div">
        <Group gap={6} mt={4} role="group" aria-label={t('campaigns.ab.differ')}>
          <Chip.Group multiple value={on} onChange={choose}>
            {parts.map((part) => (
              <Chip key={part} value={part} size="sm" variant="outline" radius="md">
                {t(`campaigns.ab.part.${part}`)}
              </Chip>
            ))}
          </Chip.Group>
        </Group>
      </Input.Wrapper>
      {variants.map((_, index) => (
        <Paper key={letter(index + 1)} p="sm" component="section" aria-label={nameOf(t, index)}>
          <Group justify="space-between" mb="xs">
            <Text fw={650}>{nameOf(t, index)}</Text>
            <Group gap={4}>
              <Button
                size="compact-sm"
                variant="default"
                leftSection={<IconEye size={14} />}
                onClick={() => setLooked(index)}
              >
                {t(content ? 'campaigns.ab.write' : 'campaigns.ab.preview')}
              </Button>
              {variants.length > MIN_VARIANTS && (
                <Button
                  size="compact-sm"
                  variant="default"
                  leftSection={<IconTrash size={14} />}
                  aria-label={t('campaigns.ab.take', { letter: letter(index + 1) })}
                  onClick={() => remove(index)}
                >
                  {t('common.delete')}
                </Button>
              )}
            </Group>
          </Group>
          <Stack gap="xs">
            {on
              .filter((part): part is Exclude<Part, 'content'> => part !== 'content')
              .map((part) => {
                const path = `ab_test.variants.${index}.${part}`;
                return (
                  <TextInput
                    key={part}
                    label={t(`campaigns.ab.part.${part}`)}
                    {...form.getInputProps(path)}
                    value={variants[index]?.[part] ?? ''}
                  />
                );
              })}
            {(['html', 'text'] as const).map((part) => {
              const error = form.errors[`ab_test.variants.${index}.${part}`];
              return error ? <FormAlert key={part} message={String(error)} /> : null;
            })}
          </Stack>
        </Paper>
      ))}
      {variants.length < MAX_VARIANTS && (
        <Group>
          <Button
            variant="default"
            leftSection={<IconPlus size={16} />}
            onClick={() => change({ variants: addVariant(variants, form.values) })}
          >
            {t('campaigns.ab.more')}
          </Button>
        </Group>
      )}
      {looked !== null && (
        <VariantDialog
          form={form}
          campaignId={campaign.id}
          index={looked}
          writes={content}
          onClose={() => setLooked(null)}
        />
      )}
    </Stack>
  );
}

const nameOf = (t: TFunction, index: number) => t('campaigns.ab.variant', { letter: letter(index + 1) });

function Rules({ form, test, change }: TestProps) {
  const { t } = useTranslation();
  const everybody = test.sample_percent === EVERYBODY;
  const [unit, setUnit] = useState<WaitUnit>(waitOf(test.wait_minutes).unit);
  const wait = test.wait_minutes / minutesOf(1, unit);
  return (
    <Stack>
      <Radio.Group
        label={t('campaigns.ab.who')}
        value={everybody ? 'all' : 'part'}
        onChange={(value) => change({ sample_percent: value === 'all' ? EVERYBODY : 20 })}
      >
        <Stack gap={6} mt={6}>
          <Radio value="part" label={t('campaigns.ab.part_of')} />
          <Radio value="all" label={t('campaigns.ab.everybody')} />
        </Stack>
      </Radio.Group>
      {!everybody && (
        <NumberInput
          label={t('campaigns.ab.sample')}
          description={t('campaigns.ab.sampleHint')}
          min={1}
          max={50}
          allowDecimal={false}
          suffix=" %"
          {...form.getInputProps('ab_test.sample_percent')}
        />
      )}
      <Select
        label={t('campaigns.ab.metric')}
        description={t('campaigns.ab.metricHint')}
        allowDeselect={false}
        data={(['clicks', 'opens'] as const).map((value) => ({ value, label: t(`campaigns.ab.metrics.${value}`) }))}
        {...form.getInputProps('ab_test.metric')}
      />
      <SimpleGrid cols={2}>
        <NumberField
          label={t('campaigns.ab.wait')}
          min={0}
          value={wait}
          valid={(value) => value > 0}
          onChange={(value) => change({ wait_minutes: minutesOf(value, unit) })}
          error={form.errors['ab_test.wait_minutes']}
        />
        <Select
          label={t('campaigns.ab.unit')}
          allowDeselect={false}
          data={(['minutes', 'hours', 'days'] as const).map((value) => ({
            value,
            label: t(`campaigns.ab.units.${value}`),
          }))}
          value={unit}
          onChange={(next) => {
            if (!next) return;
            setUnit(next as WaitUnit);
            change({ wait_minutes: minutesOf(wait, next as WaitUnit) });
          }}
        />
      </SimpleGrid>
      <Text size="sm" c="dimmed" mt={-8}>
        {t('campaigns.ab.waitHint')}
      </Text>
      <NumberInput
        label={t('campaigns.ab.least')}
        description={t('campaigns.ab.leastHint')}
        min={1}
        max={1_000_000}
        allowDecimal={false}
        {...form.getInputProps('ab_test.min_sample')}
      />
      {!everybody && (
        <Radio.Group
          label={t('campaigns.ab.noWinner')}
          description={t('campaigns.ab.noWinnerHint')}
          {...form.getInputProps('ab_test.no_winner')}
        >
          <Stack gap={6} mt={6}>
            {(['best', 'first', 'ask'] as const).map((value) => (
              <Radio key={value} value={value} label={t(`campaigns.ab.noWinners.${value}`)} />
            ))}
          </Stack>
        </Radio.Group>
      )}
    </Stack>
  );
}
