"""The instances of a classroom PACS as an index in memory, study by study.

The index is immutable: `Archive.add` builds a new one and puts it in the place of the old one, so
whoever reads `Archive.studies` sees an instance whole or not at all, and needs no lock.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass, field

from classroom.pacs.instance import element, tag_of
from classroom.pacs.query.levels import SERIES, STUDY


@dataclass(frozen=True)
class Series:
    """A series, its instances in the order of their Instance Number.

    Parameters
    ----------
    uid : str
    attributes : dict
        DICOM JSON, the attributes of the series level only.
    instances : dict of str to Instance
        By SOP Instance UID.
    """

    uid: str
    attributes: dict = field(repr=False)
    instances: dict


@dataclass(frozen=True)
class Study:
    """A study, its series in the order of their Series Number.

    Parameters
    ----------
    uid : str
    attributes : dict
        DICOM JSON, the attributes of the patient and study level only.
    series : dict of str to Series
        By Series Instance UID.
    """

    uid: str
    attributes: dict = field(repr=False)
    series: dict

    @property
    def instances(self):
        """All instances of the study, in order."""
        return [
            instance for series in self.series.values() for instance in series.instances.values()
        ]


class Archive:
    """What the classroom PACS serves.

    Parameters
    ----------
    instances : iterable of Instance

    Attributes
    ----------
    studies : dict of str to Study
        By Study Instance UID, in the order of Study Date, Study Time and UID.
    skipped : list of str
        One line for each file that is left out: which one, and why.

    Examples
    --------
    >>> from classroom.pacs.folder import read_archive
    >>> archive = read_archive("data/archive/joe")
    >>> len(archive.studies), len(archive), archive.skipped
    (1, 2, [])
    """

    def __init__(self, instances=(), skipped=()):
        self.studies = {}
        self.skipped = list(skipped)
        self._paths = {}
        self._lock = threading.Lock()
        for instance in self.add(instances):
            reason = f"its SOP Instance UID {instance.uid} is that of {self.path(instance.uid)}"
            self.skipped.append(f"{instance.path}: {reason}")

    def __len__(self):
        return len(self._paths)

    def add(self, instances):
        """Make instances visible, all at once.

        Parameters
        ----------
        instances : iterable of Instance

        Returns
        -------
        list of Instance
            Those that are left out, because their SOP Instance UID is taken.
        """
        left_out = []
        with self._lock:
            paths = dict(self._paths)
            new = defaultdict(list)
            for instance in instances:
                if instance.uid in paths:
                    left_out.append(instance)
                    continue
                paths[instance.uid] = instance.path
                new[instance.study].append(instance)
            studies = dict(self.studies)
            for uid, found in new.items():
                studies[uid] = _study(found, studies.get(uid))
            self.studies = dict(sorted(studies.items(), key=lambda item: _study_order(item[1])))
            self._paths = paths
        return left_out

    def path(self, uid):
        """Return the file of the instance with this SOP Instance UID."""
        return self._paths[uid]

    def find(self, study, series=None, instance=None):
        """Return the instances of a study, a series, or the one instance, in order.

        Returns
        -------
        list of Instance
            Empty if the archive has no such thing.
        """
        found = self.studies.get(study)
        if found is None:
            return []
        if series is None:
            return found.instances
        instances = found.series[series].instances if series in found.series else {}
        if instance is None:
            return list(instances.values())
        return [instances[instance]] if instance in instances else []


def _study(instances, known=None):
    by_series = defaultdict(list)
    for instance in [*(known.instances if known else []), *instances]:
        by_series[instance.series].append(instance)
    known_series = known.series if known else {}
    all_series = sorted(
        (_series(uid, found, known_series.get(uid)) for uid, found in by_series.items()),
        key=_series_order,
    )
    instances = [i for series in all_series for i in series.instances.values()]
    # What a study is called, its first instances say. One that is added later with another name
    # must not change it: the study would no longer be found by its own. So it is with a series.
    named = known.attributes if known else _of_level(STUDY, instances[0])
    attributes = named | _element_each(
        ModalitiesInStudy=sorted({str(i.value("Modality", "OT")) for i in instances}),
        SOPClassesInStudy=sorted({str(i.value("SOPClassUID", "")) for i in instances}),
        NumberOfStudyRelatedSeries=[len(all_series)],
        NumberOfStudyRelatedInstances=[len(instances)],
    )
    return Study(instances[0].study, attributes, {series.uid: series for series in all_series})


def _series(uid, instances, known=None):
    instances = sorted(instances, key=_instance_order)
    named = known.attributes if known else _of_level(SERIES, instances[0])
    attributes = named | _element_each(NumberOfSeriesRelatedInstances=[len(instances)])
    return Series(uid, attributes, {instance.uid: instance for instance in instances})


def _of_level(level, instance):
    return {tag: value for tag, value in instance.attributes.items() if tag in level.tags}


def _element_each(**values):
    return {tag_of(keyword): element(keyword, *found) for keyword, found in values.items()}


def _study_order(study):
    date, time = (
        str(study.attributes.get(tag_of(keyword), {}).get("Value", [""])[0] or "")
        for keyword in ("StudyDate", "StudyTime")
    )
    return date, time, study.uid


def _series_order(series):
    return *_number_order(series.attributes, "SeriesNumber"), series.uid


def _instance_order(instance):
    return *_number_order(instance.attributes, "InstanceNumber"), instance.uid


def _number_order(attributes, keyword):
    number = attributes.get(tag_of(keyword), {}).get("Value", [None])[0]
    # A file may have given the attribute a VR that is no number.
    return (False, number) if isinstance(number, int) else (True, 0)
