import { PasswordInput, type PasswordInputProps } from '@mantine/core';
import { useTranslation } from 'react-i18next';

type Props = Omit<PasswordInputProps, 'label'> & { label: string };

/** A field for a secret of somebody else's server, which the browser's own store of passwords must not fill in. */
export function SecretInput({ label, ...props }: Props) {
  const { t } = useTranslation();
  return (
    <PasswordInput
      label={label}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      autoComplete="new-password"
      visibilityToggleButtonProps={{ 'aria-label': t('relays.show', { what: label }) }}
      {...props}
    />
  );
}
