import { MantineProvider } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { vi } from 'vitest';
import { Providers } from '@/app/providers';
import { createQueryClient } from '@/app/query-client';
import { createAppRouter } from '@/app/router';
import { cssResolver, theme } from '@/app/theme';
import { createFakeApi, type FakeApi, fakeFetch } from './fake-api';

/** Renders a part of the interface inside its providers, answered by a stand-in for the server. */
export function renderPart(part: ReactNode, fake: FakeApi = createFakeApi()) {
  vi.stubGlobal('fetch', fakeFetch(fake));
  const queryClient = createQueryClient();
  const root = createRootRoute({ component: () => part });
  const router = createRouter({
    routeTree: root,
    history: createMemoryHistory(),
    defaultNotFoundComponent: () => part,
  });
  const view = render(
    <MantineProvider theme={theme} cssVariablesResolver={cssResolver} env="test">
      <QueryClientProvider client={queryClient}>
        <ModalsProvider>
          {/* The router's type is that of the application; a test needs only its context. */}
          <RouterProvider router={router as never} />
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...view, fake, queryClient };
}

/** Opens a page of the whole interface at its address, answered by a stand-in for the server. */
export function renderPage(path: string, fake: FakeApi = createFakeApi(), queryClient = createQueryClient()) {
  vi.stubGlobal('fetch', fakeFetch(fake));
  const router = createAppRouter(queryClient);
  router.update({ ...router.options, history: createMemoryHistory({ initialEntries: [path] }) });
  const view = render(
    <Providers queryClient={queryClient}>
      <RouterProvider router={router} />
    </Providers>,
  );
  return { ...view, fake, queryClient, router };
}
