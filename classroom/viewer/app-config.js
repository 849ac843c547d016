// The configuration of OHIF: one source of studies, the PACS of the same origin.
window.config = {
  routerBasename: "/",
  extensions: [],
  modes: [],
  // The tour would lie over the first picture.
  customizationService: [{ "ohif.tours": { $set: [] } }],
  investigationalUseDialog: { option: "never" },
  showStudyList: true,
  showLoadingIndicator: true,
  maxNumberOfWebWorkers: 2,
  defaultDataSourceName: "classroom",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "classroom",
      configuration: {
        friendlyName: "Classroom PACS",
        name: "classroom",
        qidoRoot: "/dicomweb",
        wadoRoot: "/dicomweb",
        wadoUriRoot: "/wadouri",
        qidoSupportsIncludeField: true,
        supportsFuzzyMatching: true,
        supportsWildcard: true,
        supportsReject: false,
        supportsStow: false,
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        enableStudyLazyLoad: true,
        // The workshop's form, type=... without quotation marks.
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true, relativeResolution: "studies" },
      },
    },
  ],
};
