/**
 * The words of Self-Rewarding Language Models (Yuan et al., 2024, arXiv 2401.10020) as Java types.
 *
 * <p>Data walk one way: {@link org.autodidact.api.Prompt prompt} → {@link
 * org.autodidact.api.Candidate candidates} → {@link org.autodidact.api.Judgement judgements} →
 * {@link org.autodidact.api.PreferencePair pair} → training step → {@link
 * org.autodidact.api.Checkpoint checkpoint} → prompt. Each arrow is one interface: {@link
 * org.autodidact.api.Generator}, {@link org.autodidact.api.Judge}, {@link
 * org.autodidact.api.PairSelector}, {@link org.autodidact.api.Trainer}. A {@link
 * org.autodidact.api.Plugin} brings implementations; a {@link org.autodidact.api.RunListener}
 * watches.
 *
 * <p>No argument, result or record component is ever {@code null}; what may be absent is an {@code
 * Optional}. Records are immutable and copy the collections that they are given. Failures are
 * {@link org.autodidact.api.AutodidactException}s.
 */
@NullMarked
package org.autodidact.api;

import org.jspecify.annotations.NullMarked;
