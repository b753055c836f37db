/** Reads the score out of a written judgement; the grammar is in docs/scores.md. */
package org.autodidact.engine.judge.score;
