import { Paper } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { listsQuery } from '@/features/lists/queries';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { ImportSteps } from './import-steps';
import { UploadForm } from './upload-form';

const route = getRouteApi('/shell/imports/new');

/** Step one of an import: which people, into which list. The next page asks what the columns mean. */
export function NewImportPage() {
  const { t } = useTranslation();
  const { list } = route.useSearch();
  const lists = useQuery(listsQuery());
  return (
    <>
      <PageHeader
        title={t('imports.new')}
        description={t('imports.newText')}
        back={
          <LinkAnchor to="/imports" className="link">
            {t('nav.imports')}
          </LinkAnchor>
        }
      />
      <ImportSteps current="upload" />
      <Paper p="lg" maw={720}>
        <QueryView query={lists}>{(page) => <UploadForm lists={page.items} preferred={list} />}</QueryView>
      </Paper>
    </>
  );
}
