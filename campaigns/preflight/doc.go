// Package preflight looks at a mail as it would really go out and says what is wrong with it, before a hundred thousand people see it.
//
// Check is pure: it is given built messages, what is known of sender and audience (Facts), and what others found out meanwhile (Probes of links and images, the
// verdict of a spam filter), and gives findings. Prober and SpamChecker do the finding out; they are the only ones here that use the network.
//
// What is found has a code, and policy.go says for each code how bad it is and why. Three rules are behind that table:
//
//   - blocking is what is certain, seen from here, and a fault for everybody who gets the mail. It keeps a campaign from starting.
//   - what an other machine answers (a web server, a spam filter) never blocks: it may think differently in an hour, or of other visitors.
//   - what good mail has now and then is at most info, so that a warning stays something to read.
//
// It owns no tables.
package preflight
