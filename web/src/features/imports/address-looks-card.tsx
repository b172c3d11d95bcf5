import { Select, SimpleGrid } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ImportLooks } from '@/api/types';
import { Section } from '@/ui/section';
import { flags, type Look, lookOf, withLook } from './address-looks';

const looks: Look[] = ['flag', 'reject', 'ignore'];

type Props<T extends ImportLooks> = { value: T; onChange: (value: T) => void };

/** What is done about addresses that are written well and still deserve a look. */
export function AddressLooksCard<T extends ImportLooks>({ value, onChange }: Props<T>) {
  const { t } = useTranslation();
  return (
    <Section title={t('imports.looks.title')} description={t('imports.looks.text')}>
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }} spacing="md">
        {flags.map((flag) => (
          <Select
            key={flag}
            label={t(`imports.looks.of.${flag}`)}
            description={t(`imports.looks.hint.${flag}`)}
            inputWrapperOrder={['label', 'input', 'description']}
            allowDeselect={false}
            value={lookOf(value, flag)}
            onChange={(look) => onChange(withLook(value, flag, look as Look))}
            data={looks.map((look) => ({ value: look, label: t(`imports.looks.${look}`) }))}
          />
        ))}
      </SimpleGrid>
    </Section>
  );
}
