import { Container, Paper } from '@mantine/core';
import { IconCompass } from '@tabler/icons-react';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/ui/empty-state';
import { ErrorState } from '@/ui/error-state';
import { LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';

export function ErrorPage({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  const router = useRouter();
  const retry = () => {
    reset();
    void router.invalidate();
  };
  return (
    <Container size="sm" py="xl">
      <ErrorState error={error} onRetry={retry} title={t('error.title')} />
    </Container>
  );
}

export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <Container size="sm" py="xl" component="main">
      <PageHeader title={t('error.notFound')} />
      <Paper>
        <EmptyState
          icon={IconCompass}
          title={t('error.notFoundText')}
          action={<LinkButton to="/">{t('error.home')}</LinkButton>}
        />
      </Paper>
    </Container>
  );
}
