package dev.virtualip.vip;

import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * A command that has ended.
 *
 * @param code its exit code
 */
record Run(int code, String out, String err) {
  static Run of(String... args) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code =
        VipMain.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(args);
    return new Run(code, out.toString(), err.toString());
  }
}
