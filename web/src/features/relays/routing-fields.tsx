import { Button, NumberInput, Radio, Stack, Switch, TagsInput, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Provider, RelayInput } from '@/api/types';
import { domainsQuery } from '@/features/domains/queries';
import { siteLimitsQuery } from '@/features/site-limits/queries';
import { isBackup } from '@/lib/routing';
import { siteName, siteOf } from '@/lib/sites';
import { LinkAnchor } from '@/ui/link';
import { RoutingRules } from '@/ui/routing-rules';
import { Section } from '@/ui/section';
import { keepsSiteLimits, routingFields, takesAll } from './relay-form';

type Form = { form: UseFormReturnType<RelayInput> };
type Props = Form & { provider: Provider | undefined };

/** How the relay takes part in campaigns. Folded away as long as it takes everything: one relay alone needs none of this. */
export function RoutingFields({ form, provider }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const [opened, setOpened] = useState(() => !takesAll(form.getValues()));
  const wrong = routingFields.some((field) => form.errors[field]);
  useEffect(() => {
    if (wrong) setOpened(true);
  }, [wrong]);
  const open = opened || wrong;
  return (
    <Section
      title={t('relays.routing.title')}
      description={t('relays.routing.text')}
      actions={
        <Button
          size="compact-sm"
          variant="default"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpened(!open)}
        >
          {t(open ? 'relays.routing.close' : 'relays.routing.open')}
        </Button>
      }
    >
      <div id={id}>
        {open ? (
          <Stack>
            <WeightField form={form} />
            <FromDomainsField form={form} />
            <RecipientSitesField form={form} />
            {form.values.kind === 'smtp' && <SiteLimitsField form={form} provider={provider} />}
          </Stack>
        ) : (
          <Summary form={form} provider={provider} />
        )}
      </div>
    </Section>
  );
}

function Summary({ form, provider }: Props) {
  const { t } = useTranslation();
  const { values } = form;
  return (
    <Text>
      <RoutingRules relay={values} />
      {'. '}
      {isBackup(values) ? t('relays.routing.isBackup') : t('relays.routing.hasShare', { count: values.weight ?? 1 })}{' '}
      {values.kind === 'smtp' && keepsSiteLimits(values, provider) && t('relays.routing.keepsLimits')}
    </Text>
  );
}

function WeightField({ form }: Form) {
  const { t } = useTranslation();
  const backup = isBackup(form.values);
  return (
    <>
      <Radio.Group
        label={t('relays.routing.role')}
        value={backup ? 'backup' : 'share'}
        onChange={(role) => form.setFieldValue('weight', role === 'backup' ? 0 : 1)}
      >
        <Stack gap={6} mt={6}>
          <Radio value="share" label={t('relays.routing.share')} description={t('relays.routing.shareHint')} />
          <Radio value="backup" label={t('relays.routing.backup')} description={t('relays.routing.backupHint')} />
        </Stack>
      </Radio.Group>
      {!backup && (
        <NumberInput
          label={t('relays.routing.weight')}
          description={t('relays.routing.weightHint')}
          placeholder="1"
          maw={360}
          min={1}
          allowDecimal={false}
          {...form.getInputProps('weight')}
          value={form.values.weight ?? ''}
          onChange={(value) => form.setFieldValue('weight', typeof value === 'number' ? value : null)}
        />
      )}
    </>
  );
}

/** Names are parted by whatever a person puts between them. */
const between = [',', ';', ' '];

function FromDomainsField({ form }: Form) {
  const { t } = useTranslation();
  const domains = useQuery(domainsQuery);
  return (
    <TagsInput
      label={t('relays.routing.from')}
      description={t('relays.routing.fromHint')}
      placeholder={form.values.from_domains.length === 0 ? t('relays.routing.fromAll') : ''}
      clearable
      clearButtonProps={{ 'aria-label': t('relays.routing.fromClear') }}
      splitChars={between}
      data={(domains.data?.items ?? []).map(({ domain }) => domain)}
      {...form.getInputProps('from_domains')}
    />
  );
}

function RecipientSitesField({ form }: Form) {
  const { t } = useTranslation();
  const { data } = useQuery(siteLimitsQuery);
  const known = data?.known ?? [];
  return (
    <TagsInput
      label={t('relays.routing.to')}
      description={t('relays.routing.toHint')}
      placeholder={form.values.recipient_sites.length === 0 ? t('relays.routing.toAll') : ''}
      clearable
      clearButtonProps={{ 'aria-label': t('relays.routing.toClear') }}
      splitChars={[',', ';']}
      data={known.map(({ name }) => name)}
      {...form.getInputProps('recipient_sites')}
      value={form.values.recipient_sites.map((site) => siteName(known, site))}
      onChange={(names) =>
        form.setFieldValue('recipient_sites', [...new Set(names.map((name) => siteOf(known, name)))])
      }
    />
  );
}

function SiteLimitsField({ form, provider }: Props) {
  const { t } = useTranslation();
  return (
    <div>
      <Switch
        label={t('relays.routing.siteLimits')}
        description={t('relays.routing.siteLimitsHint')}
        data-path="site_limits"
        error={form.errors.site_limits}
        checked={keepsSiteLimits(form.values, provider)}
        onChange={(event) => form.setFieldValue('site_limits', event.currentTarget.checked)}
      />
      <LinkAnchor to="/site-limits" className="link" size="sm" ml={46}>
        {t('relays.routing.siteLimitsLink')}
      </LinkAnchor>
    </div>
  );
}
