"""Functions that are there twice: clusters of them over one project or several, and new ones that existed already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agentforge.embed.calibration import Calibration, of_comparable
from agentforge.errors import UsageError
from agentforge.model import Candidate, Cluster, ClusterMember, FunctionRef, Rewritten
from agentforge.pipeline.events import Notice, Observer
from agentforge.pipeline.scope import check_language, listed, named_projects
from agentforge.pipeline.stored_models import not_embedded
from agentforge.store.duplicates import Compared, ComparedProject, Comparison

if TYPE_CHECKING:
    from agentforge.embed.clusters import Star
    from agentforge.embed.duplicates import Channels
    from agentforge.walk import SourceTree

_MANY = 200_000


@dataclass(frozen=True, slots=True)
class Request:
    """What to compare.

    Attributes:
        here: finds the tree that the user stands in, if any: the project where none is named.
        projects: names or keys.
        between: compare the projects (all where none is named) with every other, and leave out what lies in one only.
        only_new: clusters with a function that the last analysis met first.
        language: of the functions, None for all.
        tests: compare the functions of test files, too.
        min_score: least score; None for that of near-duplicates. Least cosine where the model was never calibrated.
        min_lines: least lines of code.
        limit: how many clusters are wanted, those that save most lines.
        since: a git ref: clusters with a function of the current checkout that the merge base with it does not have.
    """

    here: Callable[[], SourceTree | None]
    projects: tuple[str, ...]
    between: bool
    only_new: bool
    language: str | None
    tests: bool
    min_score: float | None
    min_lines: int
    limit: int
    since: str | None = None

    @property
    def only_fresh(self) -> bool:
        """Whether clusters without a new function are left out."""
        return self.only_new or self.since is not None


@dataclass(frozen=True, slots=True)
class Found:
    """The answer.

    Attributes:
        projects: names of those that were compared.
        model: name and version of the one whose vectors were compared.
        calibrated: whether scores are shares of pairs that were judged the same; else they are cosines.
        min_score: least score of a pair.
        functions: how many were compared.
        clusters: those that save most lines, in this order.
        rewritten: new functions that exist already, where only these were wanted.
        total: how many clusters there are.
        lines: what all of them save.
    """

    projects: tuple[str, ...]
    model: str
    calibrated: bool
    min_score: float
    functions: int
    clusters: tuple[Cluster, ...]
    rewritten: tuple[Rewritten, ...]
    total: int
    lines: int


def find_duplicates(comparison: Comparison, request: Request, observer: Observer) -> Found:
    """Cluster the functions that are nearly the same code.

    Raises:
        UsageError: there is no such project, language or git ref, or no project to compare.
    """
    from agentforge.embed.clusters import stars
    from agentforge.embed.duplicates import Channels, near_duplicates

    check_language(request.language)
    chosen = _chosen(comparison, request)
    projects = _comparable(comparison, request, chosen, observer)
    first = projects[0]
    curve = of_comparable(first.layout, first.model_name, first.model_version)
    functions = _functions(comparison, request, chosen, projects, curve, observer)
    channels = Channels.of(first.layout, curve)
    least = curve.near_duplicate if request.min_score is None else curve.cosine(request.min_score)
    pairs = near_duplicates(
        functions.vectors,
        functions.candidates,
        changed=_compared(functions, request, chosen, projects),
        min_score=least,
        channels=channels,
        min_lines=request.min_lines,
    )
    wanted = {project.id for project in chosen}
    refs = comparison.shown(sorted({functions.ids[index] for one, other, _ in pairs for index in (one, other)}))
    candidates = _without_docstrings(functions, refs)
    found = [star for star in stars(pairs, candidates) if _wanted(star, functions, request, wanted)]
    found.sort(key=lambda star: (-star.lines, star.members))
    shown = found[: request.limit]
    return Found(
        projects=tuple(project.name for project in projects),
        model=first.model,
        calibrated=curve.calibrated,
        min_score=curve.score(least),
        functions=len(functions.ids),
        clusters=tuple(_clusters(refs, functions, shown, curve)),
        rewritten=tuple(_rewritten(refs, functions, shown, wanted, curve, channels)) if request.only_fresh else (),
        total=len(found),
        lines=sum(star.lines for star in found),
    )


def _chosen(comparison: Comparison, request: Request) -> list[ComparedProject]:
    """The projects that are meant."""
    known = list(comparison.projects.values())
    if not known:
        raise UsageError("No project is stored yet.", "Run `agentforge analyze PATH` first.")
    if request.projects:
        named = [item for name in request.projects for item in named_projects(known, name)]
        return list({item.id: item for item in named}.values())
    if request.between:
        return known
    tree = request.here()
    here = [item for item in known if tree and item.key == tree.key]
    if here or len(known) == 1:
        return here or known
    names = listed([item.name for item in known])
    raise UsageError("The current folder is in no project that is stored.", f"Name one with --project: {names}.")


def _functions(
    comparison: Comparison,
    request: Request,
    chosen: Sequence[ComparedProject],
    projects: Sequence[ComparedProject],
    curve: Calibration,
    observer: Observer,
) -> Compared:
    """The functions to compare, with comparable vectors; tells what the user should know of them."""
    from agentforge.embed.hybrid import comparable

    functions = comparison.functions(
        projects, min_lines=request.min_lines, language=request.language, tests=request.tests
    )
    if lacking := comparison.not_embedded(projects):
        observer(Notice(not_embedded(lacking)))
    if not curve.calibrated:
        observer(Notice(f"The model {projects[0].model_name} was never calibrated: scores are cosines."))
    if len(functions.ids) > _MANY:
        observer(Notice(f"Comparing {len(functions.ids):,} functions: this takes some minutes."))
    functions = replace(functions, vectors=comparable(functions.vectors, projects[0].layout))
    if request.since is not None:
        return _since(request.since, request, comparison, chosen, functions, observer)
    if request.only_new and not any(project.has_previous for project in chosen):
        observer(Notice("Nothing is new yet: the last analysis was the first one."))
    return functions


def _since(
    ref: str,
    request: Request,
    comparison: Comparison,
    chosen: Sequence[ComparedProject],
    functions: Compared,
    observer: Observer,
) -> Compared:
    """The same functions, those of the current checkout new that the merge base with a ref does not have.

    Raises:
        UsageError: the current folder is in no stored checkout, or git knows no such ref.
    """
    from agentforge.pipeline.changed_functions import changed_since

    tree = request.here()
    if tree is not None and not tree.is_git:
        raise UsageError(f"--since: {tree.root} is not in a git repository.", "Run it in a checkout, or use --new.")
    project = next((item for item in chosen if tree is not None and item.key == tree.key), None)
    if tree is None or project is None:
        raise UsageError(
            "--since: the checkout in the current folder is not among the projects that are compared.",
            "Run it in the checkout, after `agentforge analyze .` there.",
        )
    changed = changed_since(tree, ref, comparison.content_hashes(project))
    if changed.stale:
        observer(
            Notice(
                f"{changed.stale[0]} is not what the last analysis read"
                + (f", and {len(changed.stale) - 1:,} more files are not" if len(changed.stale) > 1 else "")
                + ": run `agentforge analyze .` first."
            )
        )
    mine = [index for index, item in enumerate(functions.candidates) if item.project == project.id]
    new = changed.new([(functions.candidates[index].path, functions.candidates[index].code_hash) for index in mine])
    return replace(functions, new=[mine[place] for place in new])


def _comparable(
    comparison: Comparison, request: Request, chosen: Sequence[ComparedProject], observer: Observer
) -> list[ComparedProject]:
    """The chosen projects, and all others where it is between projects, of the model of the first."""
    others = [item for item in comparison.projects.values() if item not in chosen] if request.between else []
    wanted = [*chosen, *others]
    same = [item for item in wanted if item.model_id == chosen[0].model_id]
    left_out = [item.name for item in wanted if item.model_id != chosen[0].model_id]
    if left_out:
        observer(Notice(f"Left out, as another model embedded them: {listed(left_out)}."))
    if request.between and len(same) == 1:
        raise UsageError("There is one project only to compare.", "Analyse another one, or leave --between out.")
    return same


def _compared(
    functions: Compared, request: Request, chosen: Sequence[ComparedProject], projects: Sequence[ComparedProject]
) -> list[int] | None:
    """Indexes of the functions that are compared with all, None for all."""
    if request.only_fresh:
        return functions.new
    if len(chosen) == len(projects):
        return None
    wanted = {project.id for project in chosen}
    return [index for index, item in enumerate(functions.candidates) if item.project in wanted]


def _without_docstrings(functions: Compared, refs: Mapping[int, FunctionRef]) -> list[Candidate]:
    """The functions, those of `refs` with the lines that are left without their docstrings: merging saves no others."""
    from agentforge.measure.description import docstring_lines

    candidates = list(functions.candidates)
    for index, function_id in enumerate(functions.ids):
        if ref := refs.get(function_id):
            lines = candidates[index].lines_of_code - docstring_lines(ref.language, ref.code)
            candidates[index] = replace(candidates[index], lines_of_code=lines)
    return candidates


def _wanted(star: Star, functions: Compared, request: Request, chosen: set[int]) -> bool:
    projects = {functions.candidates[index].project for index in star.members}
    if request.between and len(projects) == 1:
        return False
    if not projects & chosen:
        return False
    return not request.only_fresh or bool(_new_members(star, functions, chosen))


def _new_members(star: Star, functions: Compared, chosen: set[int]) -> list[int]:
    new = set(functions.new)
    return [index for index in star.members if index in new and functions.candidates[index].project in chosen]


def _clusters(
    refs: Mapping[int, FunctionRef], functions: Compared, found: Sequence[Star], curve: Calibration
) -> list[Cluster]:
    new = set(functions.new)
    clusters = []
    for star in found:
        members = [
            ClusterMember(cosine, curve.score(cosine), refs[functions.ids[index]], index in new)
            for index, cosine in zip(star.members, star.scores, strict=True)
            if functions.ids[index] in refs
        ]
        if len(members) > 1:
            clusters.append(Cluster(star.lines, tuple(members)))
    return clusters


def _rewritten(
    refs: Mapping[int, FunctionRef],
    functions: Compared,
    found: Sequence[Star],
    chosen: set[int],
    curve: Calibration,
    channels: Channels | None,
) -> list[Rewritten]:
    """For each new function the nearest of its cluster, an old one where there is one."""
    from agentforge.embed.duplicates import scores_of

    new, vectors = set(functions.new), functions.vectors
    rewritten = []
    for star in found:
        for index in _new_members(star, functions, chosen):
            others = [other for other in star.members if other != index]
            scores = scores_of(vectors[[index] * len(others)], vectors[others], channels).tolist()
            _, cosine, best = max(
                (other not in new, score, -other) for other, score in zip(others, scores, strict=True)
            )
            one, other = refs.get(functions.ids[index]), refs.get(functions.ids[-best])
            if one and other:
                cosine = min(1.0, cosine)
                rewritten.append(Rewritten(cosine, curve.score(cosine), one, other))
    return rewritten
