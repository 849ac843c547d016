"""The attributes of each level of the hierarchy: study, series, instance.

`required` is what every search result carries, empty if need be, and `conditional` what it carries
where it is known (PS3.18, tables 10.6.3-3 to -5). `optional` is what else belongs to the level:
it is returned when `includefield` asks for it (PS3.3, the patient, study and series modules). All
other attributes belong to the instance.
"""

from dataclasses import dataclass
from functools import cached_property

from helpers.dicom.names import tag_of, vr_of


@dataclass(frozen=True)
class Level:
    """A level of the hierarchy.

    Parameters
    ----------
    name : str
        As it stands in a URL: "studies", "series" or "instances".
    required : dict of str to dict
        By tag, as DICOM JSON writes them, the empty attribute.
    conditional, optional : dict of str to dict
        The same.
    """

    name: str
    required: dict
    conditional: dict
    optional: dict

    @cached_property
    def tags(self):
        """All that belong to the level."""
        return frozenset(self.required | self.conditional | self.optional)


def _attributes(keywords):
    return {tag: {"vr": vr_of(tag)} for tag in map(tag_of, keywords.split())}


STUDY = Level(
    "studies",
    required=_attributes(
        "StudyDate StudyTime AccessionNumber ModalitiesInStudy ReferringPhysicianName PatientName"
        " PatientID PatientBirthDate PatientSex StudyInstanceUID StudyID"
        " NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances"
    ),
    conditional=_attributes("TimezoneOffsetFromUTC"),
    optional=_attributes(
        "StudyDescription SOPClassesInStudy ProcedureCodeSequence ReferencedStudySequence"
        " ConsultingPhysicianName PhysiciansOfRecord NameOfPhysiciansReadingStudy"
        " RequestingService InstitutionName InstitutionAddress"
        " IssuerOfPatientID PatientBirthTime OtherPatientIDs OtherPatientIDsSequence"
        " OtherPatientNames EthnicGroup PatientComments QualityControlSubject"
        " PatientSpeciesDescription PatientIdentityRemoved DeidentificationMethod PatientAge"
        " PatientSize PatientWeight Occupation AdmissionID AdditionalPatientHistory MedicalAlerts"
        " Allergies SmokingStatus PregnancyStatus PatientSexNeutered ReasonForStudy"
    ),
)

SERIES = Level(
    "series",
    required=_attributes("Modality SeriesInstanceUID SeriesNumber NumberOfSeriesRelatedInstances"),
    conditional=_attributes(
        "TimezoneOffsetFromUTC SeriesDescription PerformedProcedureStepStartDate"
        " PerformedProcedureStepStartTime RequestAttributesSequence"
    ),
    optional=_attributes(
        "SeriesDate SeriesTime BodyPartExamined Laterality PatientPosition ProtocolName"
        " PerformingPhysicianName OperatorsName PerformedProcedureStepDescription"
        " PerformedProcedureStepID PerformedProtocolCodeSequence SeriesDescriptionCodeSequence"
        " FrameOfReferenceUID PositionReferenceIndicator PresentationIntentType"
        " Manufacturer ManufacturerModelName StationName DeviceSerialNumber SoftwareVersions"
        " InstitutionalDepartmentName AnatomicalOrientationType SmallestPixelValueInSeries"
        " LargestPixelValueInSeries ReferencedPerformedProcedureStepSequence"
    ),
)

INSTANCE = Level(
    "instances",
    required=_attributes("SOPClassUID SOPInstanceUID InstanceNumber"),
    conditional=_attributes("TimezoneOffsetFromUTC Rows Columns BitsAllocated NumberOfFrames"),
    optional={},
)

LEVELS = (STUDY, SERIES, INSTANCE)
