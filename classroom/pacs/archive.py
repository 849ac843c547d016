"""The instances of a classroom PACS as an index in memory, study by study.

The index is immutable: `Archive.add` builds a new one and puts it in the place of the old one, so
whoever reads `Archive.studies` sees an instance whole or not at all, and needs no lock.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from classroom.pacs.instance import SOPInstance
from classroom.pacs.query.levels import SERIES, STUDY, Level
from helpers.dicom.json_model import Record, element, first_value
from helpers.dicom.names import tag_of


@dataclass(frozen=True)
class Series:
    """A series, its instances by UID, in the order of their Instance Number."""

    uid: str
    attributes: Record = field(repr=False)  # of the series level only
    instances: dict[str, SOPInstance]

    def find(self, uids: Iterable[str]) -> list[SOPInstance]:
        """Return the instances with these UIDs that are here, in order."""
        found = [self.instances[uid] for uid in uids if uid in self.instances]
        return sorted(found, key=lambda instance: _order(instance, "InstanceNumber"))


@dataclass(frozen=True)
class Study:
    """A study, its series by UID, in the order of their Series Number."""

    uid: str
    attributes: Record = field(repr=False)  # of the patient and study level only
    series: dict[str, Series]

    @property
    def instances(self) -> list[SOPInstance]:
        """All instances of the study, in order."""
        return [
            instance for series in self.series.values() for instance in series.instances.values()
        ]


class Archive:
    """What the classroom PACS serves, and why other files are left out, a line for each.

    >>> from classroom.pacs.folder import read_archive
    >>> archive = read_archive("data/archive/joe")
    >>> len(archive.studies), len(archive), archive.skipped
    (1, 2, [])
    """

    def __init__(self, instances: Iterable[SOPInstance] = (), skipped: Iterable[str] = ()):
        # By UID, in the order of Study Date, Study Time and UID.
        self.studies: dict[str, Study] = {}
        self.skipped = list(skipped)
        self.is_complete = True  # or files of its folder are still to be read
        self._instances: dict[str, SOPInstance] = {}
        self._studies_of_series: dict[str, frozenset[str]] = {}
        self._lock = threading.Lock()
        self.include(instances)

    def __len__(self) -> int:
        return len(self._instances)

    @property
    def progress(self) -> str:
        """Say how many instances there are, as long as they are not all; then nothing."""
        if self.is_complete:
            return ""
        return f"The server still reads its folder: {len(self)} instances so far"

    def include(self, instances: Iterable[SOPInstance]) -> None:
        """Make the files of a folder visible; of two with the same UID, the first."""
        for instance in self.add(instances):
            reason = f"its SOP Instance UID {instance.uid} is that of {self.path(instance.uid)}"
            self.skipped.append(f"{instance.path}: {reason}")

    def add(self, instances: Iterable[SOPInstance]) -> list[SOPInstance]:
        """Make instances visible, all at once; return those whose UID is taken."""
        left_out = []
        with self._lock:
            known = dict(self._instances)
            new: dict[str, list[SOPInstance]] = defaultdict(list)
            for instance in instances:
                if instance.uid in known:
                    left_out.append(instance)
                    continue
                known[instance.uid] = instance
                new[instance.study].append(instance)
            studies = dict(self.studies)
            for uid, found in new.items():
                studies[uid] = _study(found, studies.get(uid))
                for series in studies[uid].series:
                    others = self._studies_of_series.get(series, frozenset())
                    self._studies_of_series[series] = others | {uid}
            self.studies = dict(sorted(studies.items(), key=lambda item: _study_order(item[1])))
            self._instances = known
        return left_out

    def path(self, uid: str) -> Path:
        """Return the file of the instance with this SOP Instance UID."""
        return self._instances[uid].path

    def find_all(self) -> list[SOPInstance]:
        """Return all instances, in any order."""
        return list(self._instances.values())

    def studies_with(self, level: Level, uids: Iterable[str]) -> list[Study]:
        """Return the studies in which something of a level has one of these UIDs, in order."""
        studies = self.studies
        found: set[str] = set()
        for uid in uids:
            if level is STUDY:
                found.add(uid)
            elif level is SERIES:
                found |= self._studies_of_series.get(uid, frozenset())
            elif uid in self._instances:
                found.add(self._instances[uid].study)
        return sorted((studies[uid] for uid in found if uid in studies), key=_study_order)

    def find(
        self, study: str, series: str | None = None, instance: str | None = None
    ) -> list[SOPInstance]:
        """Return the instances of a study or a series, or the one instance; none if it is not."""
        found = self.studies.get(study)
        if found is None:
            return []
        if series is None:
            return found.instances
        instances = found.series[series].instances if series in found.series else {}
        if instance is None:
            return list(instances.values())
        return [instances[instance]] if instance in instances else []


def _study(instances: list[SOPInstance], known: Study | None = None) -> Study:
    by_series: dict[str, list[SOPInstance]] = defaultdict(list)
    for instance in [*(known.instances if known else []), *instances]:
        by_series[instance.series].append(instance)
    known_series = known.series if known else {}
    all_series = sorted(
        (_series(uid, found, known_series.get(uid)) for uid, found in by_series.items()),
        key=lambda series: _order(series, "SeriesNumber"),
    )
    instances = [i for series in all_series for i in series.instances.values()]
    # What a study is called, its first instances say. One that is added later with another name
    # must not change it: the study would no longer be found by its own. So it is with a series.
    named = known.attributes if known else _of_level(STUDY, instances[0])
    attributes = named | _lists(
        ModalitiesInStudy=sorted({str(i.value("Modality", "OT")) for i in instances}),
        SOPClassesInStudy=sorted({str(i.value("SOPClassUID", "")) for i in instances}),
        NumberOfStudyRelatedSeries=[len(all_series)],
        NumberOfStudyRelatedInstances=[len(instances)],
    )
    return Study(instances[0].study, attributes, {series.uid: series for series in all_series})


def _series(uid: str, instances: list[SOPInstance], known: Series | None = None) -> Series:
    instances = sorted(instances, key=lambda instance: _order(instance, "InstanceNumber"))
    named = known.attributes if known else _of_level(SERIES, instances[0])
    attributes = named | _lists(NumberOfSeriesRelatedInstances=[len(instances)])
    return Series(uid, attributes, {instance.uid: instance for instance in instances})


def _of_level(level: Level, instance: SOPInstance) -> Record:
    return {tag: value for tag, value in instance.attributes.items() if tag in level.tags}


def _lists(**values: list[Any]) -> Record:
    return {tag_of(keyword): element(keyword, *found) for keyword, found in values.items()}


def _study_order(study: Study) -> tuple[str, ...]:
    moment = [first_value(study.attributes, keyword, "") for keyword in ("StudyDate", "StudyTime")]
    return *map(str, moment), study.uid


def _order(entity: Series | SOPInstance, keyword: str) -> tuple[bool, int, str]:
    if isinstance(entity, Series):
        number = first_value(entity.attributes, keyword)
    else:
        number = entity.value(keyword)
    # A file may have given the attribute a VR, or a text, that is no number.
    is_number = isinstance(number, int)
    return not is_number, number if is_number else 0, entity.uid
