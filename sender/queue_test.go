package sender

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUrgentMessagesGoFirst(t *testing.T) {
	t.Parallel()
	var q queue
	items := map[string]*item{}
	push := func(name string, campaign int64, urgent bool) {
		items[name] = &item{msg: Message{CampaignID: campaign, Urgent: urgent, To: name}}
		q.push(items[name])
	}
	push("a1", 1, false)
	push("a2", 1, false)
	push("b1", 2, false)
	push("u1", 3, true)
	push("u2", 3, true)
	push("u3", 3, true)
	if !q.remove(items["u2"]) || q.remove(items["u2"]) {
		t.Error("an urgent message cannot be taken out once")
	}
	var got []string
	pop := func() *item {
		it := q.pop()
		got = append(got, it.msg.To)
		return it
	}
	pop()
	pop()
	first := pop() // of campaign 1, and an urgent one comes
	push("u4", 3, true)
	q.giveBack(first)
	for q.size > 0 {
		pop()
	}
	if diff := cmp.Diff([]string{"u1", "u3", "a1", "u4", "a1", "b1", "a2"}, got); diff != "" {
		t.Error(diff)
	}
	if q.pop() != nil || len(q.lists)+len(q.turns)+len(q.urgent) != 0 {
		t.Errorf("something is left: %+v", q)
	}
}

// TestAnUrgentMessageTakesTheMomentOfAnother on a connection that waits for it.
func TestAnUrgentMessageTakesTheMomentOfAnother(t *testing.T) {
	t.Parallel()
	pl := &pool{stopped: make(chan struct{})}
	waits := &item{msg: Message{CampaignID: 1}}
	if got := pl.overtake(waits); got != waits {
		t.Error("nobody came, and the message lost its moment")
	}
	urgent, second := &item{msg: Message{CampaignID: 2, Urgent: true}}, &item{msg: Message{CampaignID: 2, Urgent: true}}
	pl.waiting.push(urgent)
	pl.waiting.push(second)
	if got := pl.overtake(waits); got != urgent {
		t.Error("the urgent message did not get the moment")
	}
	if got := pl.overtake(urgent); got != urgent {
		t.Error("an urgent message was overtaken")
	}
	if pl.waiting.pop() != second || pl.waiting.pop() != waits {
		t.Error("the message that was overtaken does not wait")
	}
}
