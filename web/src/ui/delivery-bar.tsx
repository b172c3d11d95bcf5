import { useTranslation } from 'react-i18next';
import type { Stats } from '@/api/types';
import { deliveryStates, doneCount, stateColor } from '@/lib/states';
import { StackedBar } from './stacked-bar';

type Props = { stats: Stats; label: string; legend?: boolean; thin?: boolean };

/** How far a campaign has come, by the states of its deliveries. */
export function DeliveryBar({ stats, label, legend = false, thin = false }: Props) {
  const { t } = useTranslation();
  return (
    <StackedBar
      label={label}
      legend={legend}
      thin={thin}
      total={stats.recipients}
      done={doneCount(stats)}
      parts={deliveryStates.map((state) => ({
        key: state,
        label: t(`deliveries.state.${state}`),
        value: stats[state],
        color: stateColor[state],
      }))}
    />
  );
}
