// Package abtest is the arithmetic of A/B tests: who is in the sample and gets which variant (Assign), whether a variant has won (Decide), and how many people it takes to tell
// (Detectable, SampleSize). It is pure: no clock, no database, no randomness of its own.
//
// Invariant: when no variant is better than another, Decide names a winner in at most 1 - confidence of all tests, whatever the rate, the number of variants and their sizes,
// also where counts are small. This holds for one look, at the end of the test. A test that is looked at more than once says so in Rules.Looks, and each look gets its share.
package abtest
