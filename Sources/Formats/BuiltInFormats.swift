/// The formats that need no file of the user's.
public enum BuiltInFormats {
  /// Name and text of each format file, in the order in which they are tried.
  public static let files: [(name: String, yaml: String)] = [
    ("ndjson", PackageResources.ndjson_yaml),
    ("nginx-combined", PackageResources.nginx_combined_yaml),
    ("nginx-json", PackageResources.nginx_json_yaml),
    ("apache-combined", PackageResources.apache_combined_yaml),
    ("apache-common", PackageResources.apache_common_yaml),
    ("envoy", PackageResources.envoy_yaml),
    ("envoy-json", PackageResources.envoy_json_yaml),
    ("kong", PackageResources.kong_yaml),
    ("apisix", PackageResources.apisix_yaml),
    ("traefik", PackageResources.traefik_yaml),
    ("caddy", PackageResources.caddy_yaml),
    ("aws-api-gateway", PackageResources.aws_api_gateway_yaml),
    ("aws-alb", PackageResources.aws_alb_yaml),
    ("csv", PackageResources.csv_yaml),
    ("tsv", PackageResources.tsv_yaml),
    ("logfmt", PackageResources.logfmt_yaml),
  ].map { ($0.0, String(decoding: $0.1, as: UTF8.self)) }

  /// The canonical log first, then all others.
  public static let all: [LogFormat] = files.map { name, yaml in
    guard let format = try? LogFormat(yaml: yaml, path: "\(name).yaml") else {
      preconditionFailure("the built-in format \(name) has mistakes")
    }
    return format
  }
}
