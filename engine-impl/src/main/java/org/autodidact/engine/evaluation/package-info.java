/** How good a judge is, and which of two models answers better. */
package org.autodidact.engine.evaluation;
