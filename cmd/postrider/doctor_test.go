package main

import (
	"strings"
	"testing"

	"postrider/sender/dkim"
)

func TestDoctorSaysWhatSigns(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{dkim.SigningGo: "RSA signatures by Go, because it was asked for", dkim.SigningAuto: "RSA signatures by OpenSSL 3."} {
		d := &doctor{cmd: doctorCmd{config: config{Signing: mode}}}
		d.signing()
		if len(d.findings) != 1 || d.findings[0].Check != "signing" || d.findings[0].Status != "ok" || !strings.HasPrefix(d.findings[0].Text, want) {
			t.Errorf("%s: %+v", mode, d.findings)
		}
	}
}
