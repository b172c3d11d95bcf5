package templates

// SafeHTML is HTML that has been made safe to put into a mail. Expand puts a value of this type in as it is; every other text is escaped.
type SafeHTML string
