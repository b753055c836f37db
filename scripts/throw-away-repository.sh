# Sourced by checks that install our artifacts. throw_away_repository FOLDER fills a Maven repository with links to the files of
# the user's own; ours are installed into it and nowhere else.
throw_away_repository() {
  local repository=$1 own=${MAVEN_REPOSITORY:-$HOME/.m2/repository}
  mkdir -p "$repository"
  if [ -d "$own" ]; then
    cp -aln "$own/." "$repository" 2>/dev/null || cp -an "$own/." "$repository"
  fi
  # Maven writes into these where they are; all others it replaces.
  find "$repository" -links +1 \( -name _remote.repositories -o -name '*.properties' -o -name 'maven-metadata*' -o -name '*.lastUpdated' \) \
    -exec sh -c 'for f; do cp -p "$f" "$f.copy" && mv "$f.copy" "$f"; done' - {} +
  rm -rf "$repository/org/autodidact" "$repository/org/example"
}
