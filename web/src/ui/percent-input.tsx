import { NumberInput, type NumberInputProps } from '@mantine/core';

interface Props extends Omit<NumberInputProps, 'value' | 'onChange'> {
  value?: number | null;
  onChange?: (value: number | null) => void;
}

/** A share in percent that may be left empty, which is null. */
export function PercentInput({ value, onChange, ...props }: Props) {
  return (
    <NumberInput
      min={0}
      max={100}
      decimalScale={2}
      suffix=" %"
      value={value ?? ''}
      onChange={(entered) => onChange?.(entered === '' ? null : Number(entered))}
      {...props}
    />
  );
}
