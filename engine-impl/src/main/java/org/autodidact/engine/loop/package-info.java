/**
 * The loop of Self-Rewarding Language Models: {@link SelfRewardingLoop} is the algorithm, a class a
 * stage does the work, {@link StageRunner} resumes it.
 */
package org.autodidact.engine.loop;
