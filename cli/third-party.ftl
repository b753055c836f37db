# Third parties

What the command line is shipped with, all plugins included. The build writes this list into the command line's jar, as
`META-INF/THIRD-PARTY.txt`; `ThirdPartyTest` fails where `docs/third-party.md` differs. After a change of dependencies,
`mvn -pl cli -am -DskipTests test-compile` and copy `cli/target/classes/META-INF/THIRD-PARTY.txt`. Where a library offers a
choice of licences, we take the permissive one. The native libraries in DJL's jars have their own: libtorch BSD-3-Clause.

| library | artifact | version | licence |
|---|---|---|---|
<#list dependencyMap as e>
<#assign p = e.getKey()/>
| ${p.name?replace("|", "/")} | `${p.groupId}:${p.artifactId}` | ${p.version} | ${e.getValue()?join(" or ")} |
</#list>
