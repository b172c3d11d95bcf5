package templates

import "context"

func (s *Service) Assemble(ctx context.Context, src Source) (Source, error) { return src, nil }
