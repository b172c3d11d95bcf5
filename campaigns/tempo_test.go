package campaigns

import (
	"testing"
	"time"
)

func TestABatchIsWhatARelayTakesInTwoSeconds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sent []int
		took time.Duration
		want int
	}{
		"unknown":          {nil, 0, 100},
		"nothing was sent": {[]int{0}, time.Second, 100},
		"fast":             {[]int{100}, 10 * time.Millisecond, 400},
		"fast for long":    {[]int{100, 400}, 10 * time.Millisecond, 500},
		"in time":          {[]int{100}, 2 * time.Second, 100},
		"slow":             {[]int{100}, 100 * time.Second, 5},
		"slow, then fast":  {[]int{1, 5}, time.Second, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tempo := newTempo()
			for _, n := range test.sent {
				tempo.took(1, n, test.took, 5, 500)
			}
			if got := tempo.size(1, 500); got != test.want {
				t.Errorf("a batch of %d; want %d", got, test.want)
			}
			if got := tempo.size(2, 500); got != claimFirst {
				t.Errorf("a batch of %d for another relay", got)
			}
		})
	}
	tempo := newTempo()
	tempo.took(1, 1, time.Hour, 5, 3)
	if got := tempo.size(1, 3); got != 3 {
		t.Errorf("a batch of %d of 3 at most", got)
	}
}
