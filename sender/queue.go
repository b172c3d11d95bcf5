package sender

import "slices"

// queue holds the messages that wait for a connection: those of one campaign in their order, the campaigns in turn, so that ten messages do not wait
// behind a million. Its owner's lock guards it.
type queue struct {
	lists map[int64][]*item
	turns []int64 // campaigns with something waiting, the next one first
	size  int
}

func (q *queue) push(it *item) {
	if q.lists == nil {
		q.lists = map[int64][]*item{}
	}
	id := it.msg.CampaignID
	if len(q.lists[id]) == 0 {
		q.turns = append(q.turns, id)
	}
	q.lists[id] = append(q.lists[id], it)
	q.size++
}

// pop gives the first message of the campaign whose turn it is, nil when nothing waits.
func (q *queue) pop() *item {
	if q.size == 0 {
		return nil
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

// remove takes a message out; false when it is not there any more.
func (q *queue) remove(it *item) bool {
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
