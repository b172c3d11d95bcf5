package sender

import "slices"

// queue holds the messages that wait for a connection: urgent ones first, in the order in which they came, then those of one campaign in their order, the campaigns in turn,
// so that ten messages do not wait behind a million. Its owner's lock guards it.
type queue struct {
	urgent []*item
	lists  map[int64][]*item
	turns  []int64 // campaigns with something waiting, the next one first
	size   int     // with the urgent ones
}

func (q *queue) push(it *item) {
	q.size++
	if it.msg.Urgent {
		q.urgent = append(q.urgent, it)
		return
	}
	if q.lists == nil {
		q.lists = map[int64][]*item{}
	}
	id := it.msg.CampaignID
	if len(q.lists[id]) == 0 {
		q.turns = append(q.turns, id)
	}
	q.lists[id] = append(q.lists[id], it)
}

// pop gives the first urgent message, else the first one of the campaign whose turn it is, nil when nothing waits.
func (q *queue) pop() *item {
	if it := q.popUrgent(); it != nil || q.size == 0 {
		return it
	}
	id := q.turns[0]
	list := q.lists[id]
	it := list[0]
	list[0] = nil
	q.lists[id] = list[1:]
	q.turns = append(q.turns[:0], q.turns[1:]...)
	if len(list) > 1 {
		q.turns = append(q.turns, id)
	} else {
		delete(q.lists, id)
	}
	q.size--
	return it
}

// popUrgent gives the first urgent message, nil when none waits.
func (q *queue) popUrgent() *item {
	if len(q.urgent) == 0 {
		return nil
	}
	it := q.urgent[0]
	q.urgent[0] = nil
	q.urgent = q.urgent[1:]
	q.size--
	return it
}

// giveBack puts a message that was taken out too soon in front of the others of its campaign, whose turn comes next.
func (q *queue) giveBack(it *item) {
	q.push(it)
	if it.msg.Urgent {
		return
	}
	id := it.msg.CampaignID
	list := q.lists[id]
	copy(list[1:], list[:len(list)-1])
	list[0] = it
	i := slices.Index(q.turns, id)
	copy(q.turns[1:i+1], q.turns[:i])
	q.turns[0] = id
}

// remove takes a message out; false when it is not there any more.
func (q *queue) remove(it *item) bool {
	if i := slices.Index(q.urgent, it); i >= 0 {
		q.urgent = slices.Delete(q.urgent, i, i+1)
		q.size--
		return true
	}
	id := it.msg.CampaignID
	i := slices.Index(q.lists[id], it)
	if i < 0 {
		return false
	}
	q.lists[id] = slices.Delete(q.lists[id], i, i+1)
	q.size--
	if len(q.lists[id]) == 0 {
		delete(q.lists, id)
		q.turns = slices.DeleteFunc(q.turns, func(t int64) bool { return t == id })
	}
	return true
}

// drain empties the queue.
func (q *queue) drain() []*item {
	all := make([]*item, 0, q.size)
	for it := q.pop(); it != nil; it = q.pop() {
		all = append(all, it)
	}
	return all
}
