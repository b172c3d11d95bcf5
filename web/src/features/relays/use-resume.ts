import { useMutation, useQueryClient } from '@tanstack/react-query';
import { notifyError } from '@/ui/notify';
import { relayQuery, resumeRelay } from './queries';

/** Lets a relay send again that a person has paused or its provider has blocked. */
export function useResume(id: number) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: () => resumeRelay(id),
    onSuccess: (saved) => {
      queryClient.setQueryData(relayQuery(id).queryKey, saved);
      return queryClient.invalidateQueries({ queryKey: ['relays'] });
    },
    onError: notifyError,
  });
}
