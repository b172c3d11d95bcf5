import { ActionIcon, Button, Group, Select, Stack, Text } from '@mantine/core';
import { IconBracketsContain, IconPlus, IconTrash } from '@tabler/icons-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { SegmentField } from '@/api/types';
import classes from './builder.module.css';
import { ConditionEditor } from './condition-editor';
import {
  conditionAbout,
  type GroupKind,
  type GroupNode,
  isGroup,
  MAX_DEPTH,
  newCondition,
  newGroup,
  type TreeNode,
} from './definition';

type Props = {
  group: GroupNode;
  fields: SegmentField[];
  /** The segment that is being edited, which cannot name itself. */
  segmentId?: number | undefined;
  depth: number;
  onChange: (group: GroupNode) => void;
  onRemove?: () => void;
};

const kinds: GroupKind[] = ['all', 'any', 'none'];

/** A group of conditions and further groups, with what is needed to add to it. */
export function GroupEditor({ group, fields, segmentId, depth, onChange, onRemove }: Props) {
  const { t } = useTranslation();
  const box = useRef<HTMLFieldSetElement>(null);
  const replace = (index: number, child: TreeNode) =>
    onChange({ ...group, children: group.children.map((old, i) => (i === index ? child : old)) });
  const drop = (index: number) => {
    onChange({ ...group, children: group.children.filter((_, i) => i !== index) });
    // What had the focus is gone; whoever works with the keyboard goes on in this group.
    box.current?.querySelector<HTMLElement>('input')?.focus();
  };
  const add = (child: TreeNode) => onChange({ ...group, children: [...group.children, child] });
  const fresh = () => newCondition(conditionAbout('email', fields));
  return (
    <fieldset ref={box} className={classes.group} data-kind={group.group}>
      <legend className={classes.legend}>{t(`segments.groups.${group.group}`)}</legend>
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap">
          <Select
            aria-label={t('segments.groupKind')}
            size="sm"
            w={{ base: '100%', xs: 260 }}
            allowDeselect={false}
            data={kinds.map((kind) => ({ value: kind, label: t(`segments.groups.${kind}`) }))}
            value={group.group}
            onChange={(kind) => kind && onChange({ ...group, group: kind as GroupKind })}
          />
          {onRemove && (
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={t('segments.removeGroup')}
              onClick={onRemove}
            >
              <IconTrash size={17} />
            </ActionIcon>
          )}
        </Group>
        {group.children.length === 0 && (
          <Text size="sm" c="dimmed">
            {t('segments.emptyGroup')}
          </Text>
        )}
        {group.children.map((child, index) => (
          <div key={child.id}>
            {index > 0 && <div className={classes.joint}>{t(`segments.joint.${group.group}`)}</div>}
            {isGroup(child) ? (
              <GroupEditor
                group={child}
                fields={fields}
                segmentId={segmentId}
                depth={depth + 1}
                onChange={(next) => replace(index, next)}
                onRemove={() => drop(index)}
              />
            ) : (
              <ConditionEditor
                condition={child.condition}
                fields={fields}
                segmentId={segmentId}
                onChange={(condition) => replace(index, { ...child, condition })}
                onRemove={() => drop(index)}
              />
            )}
          </div>
        ))}
        <Group gap="xs">
          <Button size="compact-sm" variant="default" leftSection={<IconPlus size={14} />} onClick={() => add(fresh())}>
            {t('segments.addCondition')}
          </Button>
          {depth < MAX_DEPTH - 1 && (
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconBracketsContain size={14} />}
              onClick={() => add(newGroup('any', [fresh()]))}
            >
              {t('segments.addGroup')}
            </Button>
          )}
        </Group>
      </Stack>
    </fieldset>
  );
}
