import { Button, Grid, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Segment } from '@/api/types';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SaveGuard } from '@/ui/save-guard';
import { Section } from '@/ui/section';
import { GroupEditor } from './builder';
import { CountCard } from './count-card';
import {
  conditionAbout,
  fromDefinition,
  type GroupNode,
  isComplete,
  newCondition,
  newGroup,
  toDefinition,
} from './definition';
import { countSegment, createSegment, segmentQuery, updateSegment, vocabularyQuery } from './queries';
import { useDeleteSegment } from './segments-page';

const route = getRouteApi('/shell/segments/$id');

export function NewSegmentPage() {
  return <SegmentEditor />;
}

export function SegmentPage() {
  const { id } = route.useParams();
  const query = useQuery(segmentQuery(Number(id)));
  return <QueryView query={query}>{(segment) => <SegmentEditor key={segment.id} segment={segment} />}</QueryView>;
}

function SegmentEditor({ segment }: { segment?: Segment }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const vocabulary = useQuery(vocabularyQuery);
  const [name, setName] = useState(segment?.name ?? '');
  const [root, setRoot] = useState<GroupNode>(() =>
    segment ? fromDefinition(segment.definition) : newGroup('all', [newCondition(conditionAbout('email', []))]),
  );
  const [saved, setSaved] = useState(() => ({ name, definition: JSON.stringify(toDefinition(root)) }));
  const [problem, setProblem] = useState<string | null>(null);
  const definition = JSON.stringify(toDefinition(root));
  const complete = isComplete(root);
  const dirty = name !== saved.name || definition !== saved.definition;
  const remove = useDeleteSegment(() => {
    setSaved({ name, definition });
    void navigate({ to: '/segments' });
  });
  const save = useMutation({
    mutationFn: () => {
      const input = { name, definition: toDefinition(root) };
      return segment ? updateSegment({ id: segment.id, ...input }) : createSegment(input);
    },
    onMutate: () => setProblem(null),
    onSuccess: (stored) => {
      setSaved({ name, definition });
      queryClient.setQueryData(segmentQuery(stored.id).queryKey, stored);
      notifySuccess(t('common.saved'));
      // So that the page of all segments has a count of this one.
      void countSegment(stored.id)
        .catch(() => undefined)
        .then(() => queryClient.invalidateQueries({ queryKey: ['segments', 'page'] }));
      if (!segment) void navigate({ to: '/segments/$id', params: { id: String(stored.id) }, ignoreBlocker: true });
    },
    onError: (error) => setProblem(errorMessage(error)),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <PageHeader
        title={segment ? segment.name : t('segments.new')}
        back={
          <LinkAnchor to="/segments" className="link">
            {t('nav.segments')}
          </LinkAnchor>
        }
        actions={
          <>
            {dirty && segment && (
              <Text size="sm" c="dimmed">
                {t('common.unsaved')}
              </Text>
            )}
            {segment && (
              <LinkButton to="/subscribers" search={{ segment: segment.id }} variant="default">
                {t('segments.showPeople')}
              </LinkButton>
            )}
            {segment && (
              <Button variant="default" onClick={() => remove(segment)}>
                {t('common.delete')}
              </Button>
            )}
            <Button type="submit" disabled={!dirty || !complete || name.trim() === ''} loading={save.isPending}>
              {t('common.save')}
            </Button>
          </>
        }
      />
      <SaveGuard dirty={dirty && !save.isPending} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack>
            <FormAlert message={problem} />
            <Section title={t('segments.who')} description={t('segments.whoText')}>
              <Stack>
                <TextInput
                  label={t('common.name')}
                  required
                  maxLength={200}
                  value={name}
                  onChange={(event) => setName(event.currentTarget.value)}
                />
                <GroupEditor
                  group={root}
                  fields={vocabulary.data?.fields ?? []}
                  segmentId={segment?.id}
                  depth={1}
                  onChange={setRoot}
                />
              </Stack>
            </Section>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <CountCard definition={definition} complete={complete} />
        </Grid.Col>
      </Grid>
    </form>
  );
}
