/// All targets, a file each in `Targets`.
let allTargets: [any FuzzTarget.Type] = [
  GzipTarget.self, LZ4Target.self, ZstdTarget.self, MembersTarget.self, LinesTarget.self,
  TimesTarget.self, StatementTarget.self, ContractTarget.self, PipelineTarget.self,
  FormatsTarget.self, FormatFileTarget.self,
]
