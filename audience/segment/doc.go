// Package segment is the language in which people say whom they mean, and its translation into SQL.
//
// A definition is JSON: groups (all, any, none) of conditions. Parse reads it strictly, Sentence says it in English, and Compile makes a boolean SQL expression of it.
// The package knows the tables that it asks but has no database; the package audience runs what it makes.
//
// Invariant: the SQL text is a function of the structure only: of the kinds of groups and conditions, their operators, the types of the fields and how many values there
// are. Whatever a person typed, names of fields included, is a parameter.
package segment
