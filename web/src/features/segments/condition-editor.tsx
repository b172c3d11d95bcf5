import { ActionIcon, NumberInput, Select, TagsInput, TextInput } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { SegmentField } from '@/api/types';
import { linksQuery } from '@/features/campaigns/queries';
import { formsQuery } from '@/features/forms/queries';
import { listsQuery } from '@/features/lists/queries';
import classes from './builder.module.css';
import {
  type Condition,
  conditionAbout,
  conditionTypes,
  operandOf,
  opsOf,
  subjectOf,
  type Value,
  valueType,
  withOp,
} from './definition';
import { recentCampaignsQuery, recentImportsQuery, segmentsQuery } from './queries';

type Props = {
  condition: Condition;
  fields: SegmentField[];
  segmentId?: number | undefined;
  onChange: (condition: Condition) => void;
  onRemove: () => void;
};

/** One condition: what it is about, how to compare, and with what. */
export function ConditionEditor({ condition, fields, segmentId, onChange, onRemove }: Props) {
  const { t } = useTranslation();
  const own = fields.map((field) => ({ value: `field:${field.name}`, label: field.label || field.name }));
  const subject = subjectOf(condition);
  // A field that was deleted meanwhile is still shown, so that it can be seen and changed.
  if (condition.type === 'field' && !own.some((item) => item.value === subject)) {
    own.push({ value: subject, label: condition.field ?? '' });
  }
  const kinds = conditionTypes.map((type) => ({ value: type as string, label: t(`segments.types.${type}`) }));
  return (
    <fieldset className={classes.condition} aria-label={t('segments.condition')}>
      <div className={classes.fields}>
        <Select
          aria-label={t('segments.subject')}
          allowDeselect={false}
          searchable
          data={[
            ...(own.length > 0 ? [{ group: t('segments.fields'), items: own }] : []),
            { group: t('segments.known'), items: kinds },
          ]}
          value={subject}
          onChange={(next) => next && next !== subject && onChange(conditionAbout(next, fields))}
        />
        <Details condition={condition} fields={fields} segmentId={segmentId} onChange={onChange} />
      </div>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('segments.removeCondition')} onClick={onRemove}>
        <IconTrash size={17} />
      </ActionIcon>
    </fieldset>
  );
}

type DetailProps = Omit<Props, 'onRemove'>;

function Details(props: DetailProps) {
  switch (props.condition.type) {
    case 'list':
      return <ListDetails {...props} />;
    case 'consent':
      return <ConsentDetails {...props} />;
    case 'activity':
      return <ActivityDetails {...props} />;
    case 'bounce':
      return <DaysInput {...props} optional />;
    case 'suppressed':
      return <Choice {...props} name="reason" optional options={['bounce', 'complaint', 'unsubscribe', 'manual']} />;
    case 'wish':
      return <Choice {...props} name="wish" options={['paused', 'weekly', 'monthly', 'no_tracking']} />;
    case 'import':
      return (
        <>
          <Choice {...props} name="how" options={['brought', 'touched']} />
          <ImportPicker {...props} />
        </>
      );
    case 'segment':
      return <SegmentPicker {...props} />;
    default:
      return (
        <>
          <OpPicker {...props} />
          <Operand {...props} />
        </>
      );
  }
}

function OpPicker({ condition, fields, onChange, optional = false }: DetailProps & { optional?: boolean }) {
  const { t } = useTranslation();
  return (
    <Select
      aria-label={t('segments.op')}
      allowDeselect={false}
      clearable={optional}
      placeholder={optional ? t('segments.anyTime') : undefined}
      data={opsOf(condition, fields).map((op) => ({ value: op, label: t(`segments.ops.${op}` as 'segments.ops.is') }))}
      value={condition.op ?? null}
      onChange={(op) => onChange(withOp(condition, op ?? undefined, fields))}
    />
  );
}

function Operand(props: DetailProps) {
  const { t } = useTranslation();
  const { condition, onChange } = props;
  switch (operandOf(condition.op)) {
    case 'value':
      return (
        <ValueInput
          {...props}
          label={t('segments.value')}
          value={condition.value}
          onValue={(value) => onChange({ ...condition, value })}
        />
      );
    case 'values':
      return (
        <TagsInput
          aria-label={t('segments.values')}
          placeholder={condition.values?.length ? undefined : t('segments.valuesHint')}
          acceptValueOnBlur
          value={(condition.values ?? []).map(String)}
          onChange={(values) => onChange({ ...condition, values })}
        />
      );
    case 'between':
      return (
        <>
          {(['from', 'to'] as const).map((end, index) => (
            <ValueInput
              key={end}
              {...props}
              label={t(`segments.${end}`)}
              value={condition.values?.[index]}
              onValue={(value) => {
                const values = [condition.values?.[0] ?? '', condition.values?.[1] ?? ''];
                values[index] = value;
                onChange({ ...condition, values });
              }}
            />
          ))}
        </>
      );
    case 'days':
      return <DaysInput {...props} />;
    default:
      return null;
  }
}

type ValueProps = DetailProps & { label: string; value: Value | undefined; onValue: (value: Value) => void };

function ValueInput({ condition, fields, label, value, onValue }: ValueProps) {
  const { t } = useTranslation();
  switch (valueType(condition, fields)) {
    case 'number':
      return (
        <NumberInput
          aria-label={label}
          value={typeof value === 'number' ? value : ''}
          onChange={(next) => onValue(next)}
        />
      );
    case 'boolean':
      return (
        <Select
          aria-label={label}
          allowDeselect={false}
          data={[
            { value: 'true', label: t('common.yes') },
            { value: 'false', label: t('common.no') },
          ]}
          value={String(value ?? true)}
          onChange={(next) => onValue(next === 'true')}
        />
      );
    case 'date':
    case 'datetime':
      return (
        <TextInput
          type="date"
          aria-label={label}
          value={String(value ?? '')}
          onChange={(event) => onValue(event.currentTarget.value)}
        />
      );
    default:
      return (
        <TextInput
          aria-label={label}
          maxLength={500}
          placeholder={condition.op === 'domain' ? 'example.org' : undefined}
          value={String(value ?? '')}
          onChange={(event) => onValue(event.currentTarget.value)}
        />
      );
  }
}

/** A number of days; where they are optional, none are ever. */
function DaysInput({ condition, onChange, optional = false }: DetailProps & { optional?: boolean }) {
  const { t } = useTranslation();
  const { days, ...rest } = condition;
  return (
    <NumberInput
      aria-label={t('segments.days')}
      min={condition.op === 'anniversary' ? 0 : 1}
      max={condition.op === 'anniversary' ? 365 : 36500}
      allowDecimal={false}
      prefix={optional ? `${t('segments.inTheLast')} ` : ''}
      suffix={` ${t('segments.daysUnit')}`}
      placeholder={optional ? t('segments.ever') : undefined}
      value={days ?? ''}
      onChange={(next) => onChange(typeof next === 'number' ? { ...rest, days: next } : rest)}
    />
  );
}

type ChoiceName = 'reason' | 'wish' | 'how' | 'status' | 'source' | 'event';
type ChoiceProps = DetailProps & { name: ChoiceName; options: readonly string[]; optional?: boolean };

function Choice({ condition, onChange, name, options, optional = false }: ChoiceProps) {
  const { t } = useTranslation();
  const { [name]: value, ...rest } = condition;
  return (
    <Select
      aria-label={t(`segments.choices.${name}`)}
      allowDeselect={false}
      clearable={optional}
      placeholder={optional ? t(`segments.any.${name}`) : undefined}
      data={options.map((option) => ({
        value: option,
        label: t(`segments.${name}s.${option}` as 'segments.events.sent'),
      }))}
      value={value ?? null}
      onChange={(next) => onChange((next ? { ...rest, [name]: next } : rest) as Condition)}
    />
  );
}

type IdName = 'list_id' | 'campaign_id' | 'import_id' | 'form_id' | 'segment_id' | 'link';
type IdProps = DetailProps & { name: IdName; items: { id: number; name: string }[]; optional?: boolean };

/** Chooses a thing by its name. One that is not among the newest is shown by its number. */
function IdPicker({ condition, onChange, name, items, optional = false }: IdProps) {
  const { t } = useTranslation();
  const { [name]: id, ...rest } = condition;
  const data = items.map((item) => ({ value: String(item.id), label: item.name }));
  if (id !== undefined && !items.some((item) => item.id === id)) data.push({ value: String(id), label: `#${id}` });
  return (
    <Select
      aria-label={t(`segments.ids.${name}`)}
      placeholder={t(optional ? `segments.anyId.${name}` : `segments.chooseId.${name}`)}
      searchable
      clearable={optional}
      allowDeselect={false}
      nothingFoundMessage={t('segments.nothing')}
      data={data}
      value={id === undefined ? null : String(id)}
      onChange={(next) => onChange((next ? { ...rest, [name]: Number(next) } : rest) as Condition)}
    />
  );
}

function ListPicker(props: DetailProps & { optional?: boolean }) {
  const lists = useQuery(listsQuery());
  return <IdPicker {...props} name="list_id" items={lists.data?.items ?? []} />;
}

function ImportPicker(props: DetailProps & { optional?: boolean }) {
  const imports = useQuery(recentImportsQuery);
  const items = (imports.data?.items ?? []).map((one) => ({ id: one.id, name: `${one.filename} → ${one.list_name}` }));
  return <IdPicker {...props} name="import_id" items={items} />;
}

function FormPicker(props: DetailProps & { optional?: boolean }) {
  const forms = useQuery(formsQuery);
  return <IdPicker {...props} name="form_id" items={forms.data?.items ?? []} />;
}

function SegmentPicker(props: DetailProps) {
  const segments = useQuery(segmentsQuery());
  const items = (segments.data?.items ?? []).filter((segment) => segment.id !== props.segmentId);
  return <IdPicker {...props} name="segment_id" items={items} />;
}

function ListDetails(props: DetailProps) {
  const { t } = useTranslation();
  const { condition, onChange } = props;
  return (
    <>
      <Select
        aria-label={t('segments.op')}
        allowDeselect={false}
        data={(['is', 'is_not'] as const).map((op) => ({ value: op, label: t(`segments.listOps.${op}`) }))}
        value={condition.op ?? 'is'}
        onChange={(op) => op && onChange({ ...condition, op })}
      />
      <Choice {...props} name="status" options={['subscribed', 'unconfirmed', 'unsubscribed', 'any']} />
      <ListPicker {...props} />
    </>
  );
}

const sources = ['form', 'confirmation', 'import', 'admin', 'api'] as const;

function ConsentDetails(props: DetailProps) {
  return (
    <>
      <ListPicker {...props} optional />
      <Choice {...props} name="source" options={sources} optional />
      <ImportPicker {...props} optional />
      <FormPicker {...props} optional />
      <OpPicker {...props} optional />
      <Operand {...props} />
    </>
  );
}

function ActivityDetails(props: DetailProps) {
  const { t } = useTranslation();
  const { condition, onChange } = props;
  const campaigns = useQuery(recentCampaignsQuery);
  const started = (campaigns.data?.items ?? []).filter((campaign) => campaign.started_at !== null);
  // How often goes with any campaign, a link with clicks in one.
  const change = ({ at_least: often, link, ...next }: Condition) => {
    if (next.campaign_id === undefined && often !== undefined) return onChange({ ...next, at_least: often });
    const same = next.event === 'clicked' && next.campaign_id === condition.campaign_id;
    onChange(same && link !== undefined ? { ...next, link } : next);
  };
  const { at_least, ...rest } = condition;
  return (
    <>
      <Choice {...props} onChange={change} name="event" options={['sent', 'opened', 'clicked', 'not_opened']} />
      <IdPicker {...props} onChange={change} name="campaign_id" items={started} optional />
      {condition.event === 'clicked' && condition.campaign_id !== undefined && (
        <LinkPicker {...props} campaignId={condition.campaign_id} />
      )}
      {condition.campaign_id === undefined && (
        <NumberInput
          aria-label={t('segments.atLeast')}
          min={1}
          max={1000}
          allowDecimal={false}
          prefix={`${t('segments.atLeastPrefix')} `}
          suffix={` ${t('segments.mails', { count: at_least ?? 1 })}`}
          value={at_least ?? 1}
          onChange={(next) => onChange(typeof next === 'number' && next > 1 ? { ...rest, at_least: next } : rest)}
        />
      )}
      <DaysInput {...props} optional />
    </>
  );
}

function LinkPicker(props: DetailProps & { campaignId: number }) {
  const links = useQuery(linksQuery(props.campaignId));
  const items = (links.data?.items ?? []).map((link) => ({ id: link.id, name: link.url }));
  return <IdPicker {...props} name="link" items={items} optional />;
}
