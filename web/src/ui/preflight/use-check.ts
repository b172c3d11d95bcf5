import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { notifyError } from '@/ui/notify';
import { acknowledgeFindings, preflightQuery, runPreflight } from './queries';

/** The check of a campaign, with the acts on it. auto: it is run where there is none or what it was of has changed. */
export function useCheck(campaignId: number, { enabled = true, auto = false } = {}) {
  const queryClient = useQueryClient();
  const options = preflightQuery(campaignId);
  const query = useQuery({ ...options, enabled });
  const run = useMutation({
    mutationFn: () => runPreflight(campaignId),
    onSuccess: (report) => queryClient.setQueryData(options.queryKey, report),
  });
  const acknowledge = useMutation({
    mutationFn: (codes: string[]) => acknowledgeFindings({ campaignId, codes }),
    onSuccess: (report) => queryClient.setQueryData(options.queryKey, report),
    onError: (error) => {
      notifyError(error);
      // It was changed meanwhile, by somebody else or in another tab.
      void queryClient.invalidateQueries({ queryKey: options.queryKey });
    },
  });
  const { data, isFetching } = query;
  const old = data === null || data?.content_changed === true;
  // Also when it was changed after the last run; a run that failed is tried again by hand only.
  const wanted = enabled && auto && !isFetching && old && !run.isPending && !run.isError;
  const { mutate } = run;
  useEffect(() => {
    if (wanted) mutate();
  }, [wanted, mutate]);
  const running = run.isPending || wanted;
  // What is old says nothing of what would be sent.
  const current = data && !data.content_changed && !isFetching && !running ? data : null;
  // Where no check can be made the server still refuses what blocks.
  const passed = current ? !current.would_block && current.unacknowledged.length === 0 : run.isError || query.isError;
  return { query, run, acknowledge, running, current, passed };
}
