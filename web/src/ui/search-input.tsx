import { CloseButton, Loader, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

type Props = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  width?: number;
  placeholder?: string;
  /** An answer to what was typed is on its way. */
  busy?: boolean;
  /** How long the typing has to rest, in milliseconds. */
  rest?: number;
};

/** A search box that reports what was typed once the typing rests. */
export function SearchInput({
  label,
  value,
  onChange,
  width = 280,
  placeholder = label,
  busy = false,
  rest = 250,
}: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const report = useRef(onChange);
  useEffect(() => {
    report.current = onChange;
  });
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => report.current(text), rest);
    return () => clearTimeout(timer);
  }, [text, value, rest]);
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={placeholder}
      leftSection={busy ? <Loader size={14} aria-hidden /> : <IconSearch size={15} aria-hidden />}
      rightSection={text && <CloseButton size="sm" aria-label={t('common.clear')} onClick={() => setText('')} />}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      w={{ base: '100%', xs: width }}
    />
  );
}
