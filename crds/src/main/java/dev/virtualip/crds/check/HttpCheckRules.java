package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.HealthCheck.Http;
import dev.virtualip.crds.schema.HealthCheck.Scheme;
import dev.virtualip.crds.schema.HealthCheck.Tls;
import dev.virtualip.crds.values.Certificates;
import dev.virtualip.crds.values.IpPrefix;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Rules about {@code spec.healthChecks[].http}. */
final class HttpCheckRules {
  private static final Pattern HOST_HEADER = Pattern.compile(Http.HOST_HEADER_PATTERN);
  private static final Pattern STATUSES = Pattern.compile(Http.STATUSES_PATTERN);

  private HttpCheckRules() {}

  static void check(String path, Http http, Findings findings) {
    NetworkCheckRules.checkHost(path + ".host", http.host(), IpPrefix::mayBeMetadata, findings);
    findings.range(path + ".port", http.port(), 1, 65535, "TCP port");
    if (!isPath(http.path())) {
      findings.add(
          path + ".path",
          "is no path: start it with a slash and write other than plain characters as in %20");
    }
    if (http.hostHeader() != null && !HOST_HEADER.matcher(http.hostHeader()).matches()) {
      findings.add(
          path + ".hostHeader", "is no host: write a name, and if need be a port behind a colon");
    }
    if (!STATUSES.matcher(http.statuses()).matches()) {
      findings.add(
          path + ".statuses", "write statuses of 100 to 599, as in 200, 200-399 or 200-299,401");
    } else if (IntStream.range(100, 600).noneMatch(http::expects)) {
      findings.add(
          path + ".statuses", "no status is a success: write ranges upwards, as in 200-399");
    }
    if (http.bodyContains() != null && http.bodyContains().isEmpty()) {
      findings.add(
          path + ".bodyContains", "is empty: write what the body has to contain, or remove it");
    }
    if (http.tls() != null) {
      checkTls(path, http, findings);
    }
  }

  private static void checkTls(String path, Http http, Findings findings) {
    var tls = http.tls();
    if (http.scheme() != Scheme.HTTPS) {
      findings.add(path + ".tls", "tls is for HTTPS: set scheme to HTTPS, or remove tls");
    }
    if (tls.ca() != null && !tls.verify()) {
      findings.add(path + ".tls.ca", "ca is for verification: set verify to true, or remove ca");
    }
    findings.value(path + ".tls.ca", Parsed.of(tls.ca(), Certificates::parse));
    if (tls.caFile() != null) {
      checkCaFile(path + ".tls.caFile", tls, findings);
    }
  }

  private static void checkCaFile(String path, Tls tls, Findings findings) {
    if (!tls.caFile().matches("/\\S*")) {
      findings.add(path, "write the path of a file from /, as in /etc/kubernetes/pki/ca.crt");
    }
    if (!tls.verify()) {
      findings.add(path, "caFile is for verification: set verify to true, or remove caFile");
    }
    if (tls.ca() != null) {
      findings.add(path, "ca and caFile are two sources of the same: remove one of them");
    }
  }

  private static boolean isPath(String path) {
    try {
      var uri = new URI("http://127.0.0.1" + path);
      return path.startsWith("/") && uri.getHost() != null && uri.getFragment() == null;
    } catch (URISyntaxException e) {
      return false;
    }
  }
}
