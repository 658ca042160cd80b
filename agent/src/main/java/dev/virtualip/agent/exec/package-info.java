/** Other people's programs, run at arm's length. */
package dev.virtualip.agent.exec;
