// Made by `deno task openapi:types`; not to be edited.
// deno-fmt-ignore-file
// deno-lint-ignore-file

export interface paths {
    "/cam": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Class activation maps
         * @description Where the classifier sees each class: JSON, the strongest map as a picture, heat over the photo, all maps as arrays, or a zip archive with a grey PNG of each.
         */
        post: operations["cam"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/segment": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * One class per pixel
         * @description JSON tells the classes found with their areas and boxes; png is the mask, its stored values the classes' indices; overlay its colours over the photo; npz the mask as an array, in mode fast with its classes' probabilities; coco a data set of one image with run lengths; geojson polygons with holes, in pixels; scores a zip archive with a grey PNG of each class's probability in mode fast and map in mode cam; mode pipeline has none.
         */
        post: operations["segment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/perimeter": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Regions without classes and their perimeters
         * @description A small network is trained on the photo itself, which takes seconds.
         */
        post: operations["perimeter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/refine": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Class activation maps refined by perimeters
         * @description The whole chain from photo to mask, which takes seconds; pictures show the step that `result` names, npz has all of them.
         */
        post: operations["refine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/cvat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Masks for CVAT
         * @description The contract of CVAT's serverless detectors.
         */
        post: operations["cvat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/label-studio/predict": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Predictions for Label Studio */
        post: operations["labelStudioPredict"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/label-studio/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Whether a labelling configuration can be served */
        post: operations["labelStudioSetup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/label-studio/webhook": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Told of annotations, from which nothing is learnt */
        post: operations["labelStudioWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/label-studio/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether Label Studio may ask */
        get: operations["labelStudioHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How a job is doing
         * @description Jobs come from posting to a stage with the header `Prefer: respond-async`.
         */
        get: operations["job"];
        put?: never;
        post?: never;
        /** Cancels a job, or forgets one that has ended */
        delete: operations["endJob"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{id}/result": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the request would have been answered without waiting */
        get: operations["jobResult"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What has been done, for Prometheus */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process answers */
        get: operations["live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether images are taken */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description */
        get: operations["openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description as a page */
        get: operations["docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        CamAnswer: {
            /** @enum {string} */
            stage: "cam";
            /** @description Of the image, upright */
            width: number;
            height: number;
            /** @description Of the maps, which is reduced for large images */
            workingWidth: number;
            workingHeight: number;
            scales: number[];
            /** @description Of every class the model knows the sigmoid score; of masks in mode fast the highest probability anywhere */
            scores: {
                [key: string]: number;
            };
            classes: components["schemas"]["ClassScore"][];
            /**
             * @description Milliseconds spent in each part of the work; `total` has the waiting as well
             * @example {
             *       "decode": 6.1,
             *       "compute": 120.5,
             *       "encode": 0,
             *       "total": 128.3
             *     }
             */
            timings: {
                [key: string]: number;
            };
        };
        ClassScore: {
            name: string;
            /** @description Its value in masks */
            index: number;
            /**
             * @description [red, green, blue] in pictures of masks
             * @example [
             *       64,
             *       0,
             *       0
             *     ]
             */
            color: number[];
            /** @description The classifier's sigmoid score */
            score: number;
        };
        Problem: {
            /**
             * Format: uri
             * @description Tells the kinds of problem apart
             * @example urn:problem-type:silop:image-too-large
             */
            type: string;
            /** @description The kind in words */
            title: string;
            status: number;
            /** @description What is wrong this time */
            detail?: string;
        };
        SegmentAnswer: {
            /** @enum {string} */
            stage: "segment";
            /** @enum {string} */
            mode: "fast" | "cam" | "pipeline";
            /** @description Of the image, upright */
            width: number;
            height: number;
            /** @description Of the maps, which is reduced for large images */
            workingWidth: number;
            workingHeight: number;
            scales: number[];
            /** @description Of every class the model knows the sigmoid score; of masks in mode fast the highest probability anywhere */
            scores: {
                [key: string]: number;
            };
            classes: components["schemas"]["SegmentedClass"][];
            /**
             * @description Milliseconds spent in each part of the work; `total` has the waiting as well
             * @example {
             *       "decode": 6.1,
             *       "compute": 120.5,
             *       "encode": 0,
             *       "total": 128.3
             *     }
             */
            timings: {
                [key: string]: number;
            };
        };
        SegmentedClass: components["schemas"]["ClassScore"] & {
            pixels: number;
            /** @description Share of the image */
            area: number;
            /** @description [left, top, right, bottom] in pixels, the last two exclusive; null without pixels */
            box: number[] | null;
        };
        CocoDataset: {
            images: {
                id: number;
                width: number;
                height: number;
                file_name: string;
            }[];
            annotations: components["schemas"]["CocoAnnotation"][];
            categories: {
                id: number;
                name: string;
                /**
                 * @description [red, green, blue] in pictures of masks
                 * @example [
                 *       64,
                 *       0,
                 *       0
                 *     ]
                 */
                color: number[];
            }[];
        };
        CocoAnnotation: {
            id: number;
            image_id: number;
            category_id: number;
            segmentation: {
                /** @description [height, width] */
                size: number[];
                counts: string | number[];
            };
            area: number;
            /** @description [left, top, width, height] */
            bbox: number[];
            /** @enum {number} */
            iscrowd: 0;
            score: number;
        };
        MaskFeatures: {
            /** @enum {string} */
            type: "FeatureCollection";
            features: components["schemas"]["MaskFeature"][];
        };
        MaskFeature: {
            /** @enum {string} */
            type: "Feature";
            id: number;
            bbox: number[];
            properties: components["schemas"]["SegmentedClass"];
            geometry: {
                /** @enum {string} */
                type: "MultiPolygon";
                /** @description Pixels from the image's top left corner; for each region its border, then holes */
                coordinates: number[][][][];
            };
        };
        PerimeterAnswer: {
            /** @enum {string} */
            stage: "perimeter";
            /** @description Of the image, upright */
            width: number;
            height: number;
            /** @description Of the maps, which is reduced for large images */
            workingWidth: number;
            workingHeight: number;
            detector: string;
            results: components["schemas"]["PerimeterResult"][];
            /**
             * @description Milliseconds spent in each part of the work; `total` has the waiting as well
             * @example {
             *       "decode": 6.1,
             *       "compute": 120.5,
             *       "encode": 0,
             *       "total": 128.3
             *     }
             */
            timings: {
                [key: string]: number;
            };
        };
        PerimeterResult: {
            /** @enum {string} */
            method: "slic" | "quickshift";
            superpixels: number;
            iterations: number;
            /** @description Different labels that are left */
            labels: number;
            /** @description 4-connected regions of equal labels */
            regions: number;
            /** @description Share of the image that is perimeter */
            perimeter: number;
        };
        RefineAnswer: {
            /** @enum {string} */
            stage: "refine";
            /** @description Of the image, upright */
            width: number;
            height: number;
            /** @description Of the maps, which is reduced for large images */
            workingWidth: number;
            workingHeight: number;
            scales: number[];
            /** @description Of every class the model knows the sigmoid score; of masks in mode fast the highest probability anywhere */
            scores: {
                [key: string]: number;
            };
            classes: components["schemas"]["SegmentedClass"][];
            /** @enum {string} */
            fit: "reference" | "all" | "majority" | "region-mean" | "half" | "mean-majority";
            walk: boolean;
            /**
             * @description Whose edges the walk respected, if there was one
             * @enum {string}
             */
            edge?: "model" | "perimeter";
            crf: boolean;
            threshold: number;
            detector: string;
            perimeters: components["schemas"]["PerimeterResult"][];
            /**
             * @description Milliseconds spent in each part of the work; `total` has the waiting as well
             * @example {
             *       "decode": 6.1,
             *       "compute": 120.5,
             *       "encode": 0,
             *       "total": 128.3
             *     }
             */
            timings: {
                [key: string]: number;
            };
        };
        CvatShape: {
            confidence: string;
            label: string;
            /** @enum {string} */
            type: "mask";
            /** @description Border of the region: x, y, x, y, … */
            points: number[];
            /** @description Its bounding box row by row, 0 and 1; then left, top, right, bottom, inclusive */
            mask: number[];
        };
        CvatRequest: {
            /** @description An image file in base64 */
            image: string;
            /** @description Least score of a class. Default: the model's, per class */
            threshold?: number | null;
        };
        LabelStudioPrediction: {
            model_version: string;
            score: number;
            result: components["schemas"]["LabelStudioRegion"][];
            /** @description Why there is nothing of this task */
            error?: string;
        };
        LabelStudioRegion: {
            id: string;
            from_name: string;
            to_name: string;
            /** @enum {string} */
            type: "brushlabels" | "polygonlabels" | "rectanglelabels";
            original_width: number;
            original_height: number;
            /** @enum {number} */
            image_rotation: 0;
            score: number;
            value: {
                [key: string]: unknown;
            };
        };
        LabelStudioPredict: {
            tasks: {
                id?: number | string;
                data: {
                    [key: string]: unknown;
                };
            }[];
            /** @description The project's labelling configuration, as XML */
            label_config: string;
        };
        LabelStudioSetup: {
            /** @description The project's labelling configuration, as XML */
            schema: string;
        };
        Job: {
            /** Format: uuid */
            id: string;
            /** @enum {string} */
            status: "queued" | "running" | "succeeded" | "failed" | "cancelled";
            stage: string;
            /** Format: date-time */
            created: string;
            /** Format: date-time */
            started?: string;
            /** Format: date-time */
            ended?: string;
            /**
             * Format: date-time
             * @description When the job will be forgotten
             */
            expires?: string;
            /** @description Steps of the work done so far */
            steps: {
                name: string;
                /** @description Milliseconds from the start of the work */
                at: number;
            }[];
            /** @description Path of the result */
            result?: string;
            problem?: components["schemas"]["Problem"] & unknown;
        };
        Live: {
            /** @enum {string} */
            status: "live";
        };
        Ready: {
            /** @enum {string} */
            status: "ready";
            /** @example cpu */
            device: string;
            /** @description File of the CAM model */
            model: string;
            /** @description Names of the models asked unless a request names others, by task */
            models: {
                cam?: string;
                affinity?: string;
                segmentation?: string;
                backbone?: string;
            };
            workers: number;
            threads: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    cam: {
        parameters: {
            query?: {
                /** @description Classes known to be in the image, as cat,dog; empty: none. Default: those the classifier finds */
                labels?: string[];
                /** @description Scales at which the image is looked at, as 0.5,1,1.5. Default: the model's */
                scales?: number[];
                /** @description Whether the mirrored image is looked at as well. Default: true of maps, of mode fast the model's */
                mirror?: boolean;
                /** @description Long side, in pixels, to which larger images are reduced. Default: 512. For perimeters, refinement and CRFs no more than 331776 pixels in all, as 768×432 or 576×576 are */
                "working-size"?: number;
                /** @description Name of the CAM model to ask; the service tells which may be named */
                "cam-model"?: string;
                /** @description Colours of heat maps. Default: grey for png and scores, inferno for overlay */
                colormap?: "grey" | "viridis" | "magma" | "inferno" | "turbo";
                /** @description What to answer; without it the header Accept decides */
                format?: "json" | "png" | "overlay" | "npz" | "scores";
            };
            header?: {
                /** @description Entity tags of answers that are known: they are not made again, but answered with 412 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description An image: its bytes tell what it is, whatever the Content-Type */
        requestBody: {
            content: {
                "image/jpeg": string;
                "image/png": string;
                "image/webp": string;
                "image/gif": string;
                "image/tiff": string;
                "application/octet-stream": string;
                "multipart/form-data": {
                    /** Format: binary */
                    image: string;
                };
            };
        };
        responses: {
            /** @description The result */
            200: {
                headers: {
                    /** @description Weak: names the image, the options, the form of the answer and the models */
                    ETag?: string;
                    /** @description Milliseconds spent in each part of the work */
                    "Server-Timing"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CamAnswer"];
                    "image/png": string;
                    "application/x-npz": string;
                    "application/octet-stream": string;
                    "application/zip": string;
                };
            };
            /** @description With `Prefer: respond-async`: the work has become a job */
            202: {
                headers: {
                    /** @description Path of the job */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The query, the body or the image cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The header Accept, or it and the format named, leave nothing that can be sent */
            406: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The answer is the one that If-None-Match names */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes or pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The bytes are of a format that is not read */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A parameter is understood but cannot be served */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests are under way, or of this client; Retry-After tells when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The models are being loaded, or cannot be, or the request waited or took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    segment: {
        parameters: {
            query?: {
                /** @description Classes known to be in the image, as cat,dog; empty: none. Default: those the classifier finds */
                labels?: string[];
                /** @description Scales at which the image is looked at, as 0.5,1,1.5. Default: the model's */
                scales?: number[];
                /** @description Whether the mirrored image is looked at as well. Default: true of maps, of mode fast the model's */
                mirror?: boolean;
                /** @description Long side, in pixels, to which larger images are reduced. Default: 512. For perimeters, refinement and CRFs no more than 331776 pixels in all, as 768×432 or 576×576 are */
                "working-size"?: number;
                /** @description Map value above which a pixel is foreground; for masks */
                threshold?: number;
                /** @description Regions of a smaller share of the image take their surroundings' class; for masks */
                "min-area"?: number;
                /** @description Superpixels by slic, quickshift or both, each with a result; for perimeters */
                method?: "slic" | "quickshift" | "both";
                /** @description Exact boundary, canny on a picture of the regions, canny-photo; for perimeters */
                detector?: "boundary" | "canny" | "canny-photo";
                /** @description Most iterations of the training on the image; for perimeters */
                iterations?: number;
                /** @description Training ends with fewer labels than this; for perimeters */
                "min-labels"?: number;
                /** @description Seed of the training's initial weights; for perimeters */
                seed?: number;
                /** @description How maps are fitted to perimeters; for refinement */
                fit?: "reference" | "all" | "majority" | "region-mean" | "half" | "mean-majority";
                /** @description Whether fitted maps walk at random between edges; for refinement. Default: where there is an AffinityNet */
                walk?: boolean;
                /** @description Whose edges a walk respects: AffinityNet's (model) or perimeter. Default: model, where there is one */
                edge?: "model" | "perimeter";
                /** @description Whether a dense CRF revises the mask. Default: true of refinement, else the model's */
                crf?: boolean;
                /** @description Name of the CAM model to ask; the service tells which may be named */
                "cam-model"?: string;
                /** @description The same of the AffinityNet */
                "affinity-model"?: string;
                /** @description The same of the segmentation network */
                "segmentation-model"?: string;
                /** @description fast: by a segmentation network; cam: cut from maps as they are; pipeline: from refined maps. Default: fast where there is such a network and no cam-model is named, else cam */
                mode?: "fast" | "cam" | "pipeline";
                /** @description Colours of heat maps. Default: grey for png and scores, inferno for overlay */
                colormap?: "grey" | "viridis" | "magma" | "inferno" | "turbo";
                /** @description Pixels that polygons of geojson may be away from the mask's borders; 0: exact. Default: 1 */
                tolerance?: number;
                /** @description How coco writes run lengths. Default: compressed */
                rle?: "compressed" | "counts";
                /** @description What to answer; without it the header Accept decides */
                format?: "json" | "png" | "overlay" | "npz" | "coco" | "geojson" | "scores";
            };
            header?: {
                /** @description Entity tags of answers that are known: they are not made again, but answered with 412 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description An image: its bytes tell what it is, whatever the Content-Type */
        requestBody: {
            content: {
                "image/jpeg": string;
                "image/png": string;
                "image/webp": string;
                "image/gif": string;
                "image/tiff": string;
                "application/octet-stream": string;
                "multipart/form-data": {
                    /** Format: binary */
                    image: string;
                };
            };
        };
        responses: {
            /** @description The result */
            200: {
                headers: {
                    /** @description Weak: names the image, the options, the form of the answer and the models */
                    ETag?: string;
                    /** @description Milliseconds spent in each part of the work */
                    "Server-Timing"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SegmentAnswer"] | components["schemas"]["CocoDataset"];
                    "image/png": string;
                    "application/x-npz": string;
                    "application/octet-stream": string;
                    "application/geo+json": components["schemas"]["MaskFeatures"];
                    "application/zip": string;
                };
            };
            /** @description With `Prefer: respond-async`: the work has become a job */
            202: {
                headers: {
                    /** @description Path of the job */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The query, the body or the image cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The header Accept, or it and the format named, leave nothing that can be sent */
            406: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The answer is the one that If-None-Match names */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes or pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The bytes are of a format that is not read */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A parameter is understood but cannot be served */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests are under way, or of this client; Retry-After tells when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The models are being loaded, or cannot be, or the request waited or took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    perimeter: {
        parameters: {
            query?: {
                /** @description Long side, in pixels, to which larger images are reduced. Default: 512. For perimeters, refinement and CRFs no more than 331776 pixels in all, as 768×432 or 576×576 are */
                "working-size"?: number;
                /** @description Superpixels by slic, quickshift or both, each with a result; for perimeters */
                method?: "slic" | "quickshift" | "both";
                /** @description Exact boundary, canny on a picture of the regions, canny-photo; for perimeters */
                detector?: "boundary" | "canny" | "canny-photo";
                /** @description Most iterations of the training on the image; for perimeters */
                iterations?: number;
                /** @description Training ends with fewer labels than this; for perimeters */
                "min-labels"?: number;
                /** @description Seed of the training's initial weights; for perimeters */
                seed?: number;
                /** @description Whether perimeters are those of the published code, by canny. Default: false */
                reference?: boolean;
                /** @description What to answer; without it the header Accept decides */
                format?: "json" | "png" | "overlay" | "npz";
            };
            header?: {
                /** @description Entity tags of answers that are known: they are not made again, but answered with 412 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description An image: its bytes tell what it is, whatever the Content-Type */
        requestBody: {
            content: {
                "image/jpeg": string;
                "image/png": string;
                "image/webp": string;
                "image/gif": string;
                "image/tiff": string;
                "application/octet-stream": string;
                "multipart/form-data": {
                    /** Format: binary */
                    image: string;
                };
            };
        };
        responses: {
            /** @description The result */
            200: {
                headers: {
                    /** @description Weak: names the image, the options, the form of the answer and the models */
                    ETag?: string;
                    /** @description Milliseconds spent in each part of the work */
                    "Server-Timing"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PerimeterAnswer"];
                    "image/png": string;
                    "application/x-npz": string;
                    "application/octet-stream": string;
                };
            };
            /** @description With `Prefer: respond-async`: the work has become a job */
            202: {
                headers: {
                    /** @description Path of the job */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The query, the body or the image cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The header Accept, or it and the format named, leave nothing that can be sent */
            406: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The answer is the one that If-None-Match names */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes or pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The bytes are of a format that is not read */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A parameter is understood but cannot be served */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests are under way, or of this client; Retry-After tells when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The models are being loaded, or cannot be, or the request waited or took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refine: {
        parameters: {
            query?: {
                /** @description Classes known to be in the image, as cat,dog; empty: none. Default: those the classifier finds */
                labels?: string[];
                /** @description Scales at which the image is looked at, as 0.5,1,1.5. Default: the model's */
                scales?: number[];
                /** @description Whether the mirrored image is looked at as well. Default: true of maps, of mode fast the model's */
                mirror?: boolean;
                /** @description Long side, in pixels, to which larger images are reduced. Default: 512. For perimeters, refinement and CRFs no more than 331776 pixels in all, as 768×432 or 576×576 are */
                "working-size"?: number;
                /** @description Map value above which a pixel is foreground; for masks */
                threshold?: number;
                /** @description Regions of a smaller share of the image take their surroundings' class; for masks */
                "min-area"?: number;
                /** @description Superpixels by slic, quickshift or both, each with a result; for perimeters */
                method?: "slic" | "quickshift" | "both";
                /** @description Exact boundary, canny on a picture of the regions, canny-photo; for perimeters */
                detector?: "boundary" | "canny" | "canny-photo";
                /** @description Most iterations of the training on the image; for perimeters */
                iterations?: number;
                /** @description Training ends with fewer labels than this; for perimeters */
                "min-labels"?: number;
                /** @description Seed of the training's initial weights; for perimeters */
                seed?: number;
                /** @description How maps are fitted to perimeters; for refinement */
                fit?: "reference" | "all" | "majority" | "region-mean" | "half" | "mean-majority";
                /** @description Whether fitted maps walk at random between edges; for refinement. Default: where there is an AffinityNet */
                walk?: boolean;
                /** @description Whose edges a walk respects: AffinityNet's (model) or perimeter. Default: model, where there is one */
                edge?: "model" | "perimeter";
                /** @description Whether a dense CRF revises the mask. Default: true of refinement, else the model's */
                crf?: boolean;
                /** @description Name of the CAM model to ask; the service tells which may be named */
                "cam-model"?: string;
                /** @description The same of the AffinityNet */
                "affinity-model"?: string;
                /** @description What the pictures of a refinement show */
                result?: "cam" | "slic" | "quickshift" | "perimeter" | "fit" | "combined" | "mask";
                /** @description Colours of heat maps. Default: grey for png and scores, inferno for overlay */
                colormap?: "grey" | "viridis" | "magma" | "inferno" | "turbo";
                /** @description Pixels that polygons of geojson may be away from the mask's borders; 0: exact. Default: 1 */
                tolerance?: number;
                /** @description How coco writes run lengths. Default: compressed */
                rle?: "compressed" | "counts";
                /** @description What to answer; without it the header Accept decides */
                format?: "json" | "png" | "overlay" | "npz" | "coco" | "geojson" | "scores";
            };
            header?: {
                /** @description Entity tags of answers that are known: they are not made again, but answered with 412 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description An image: its bytes tell what it is, whatever the Content-Type */
        requestBody: {
            content: {
                "image/jpeg": string;
                "image/png": string;
                "image/webp": string;
                "image/gif": string;
                "image/tiff": string;
                "application/octet-stream": string;
                "multipart/form-data": {
                    /** Format: binary */
                    image: string;
                };
            };
        };
        responses: {
            /** @description The result */
            200: {
                headers: {
                    /** @description Weak: names the image, the options, the form of the answer and the models */
                    ETag?: string;
                    /** @description Milliseconds spent in each part of the work */
                    "Server-Timing"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RefineAnswer"] | components["schemas"]["CocoDataset"];
                    "image/png": string;
                    "application/x-npz": string;
                    "application/octet-stream": string;
                    "application/geo+json": components["schemas"]["MaskFeatures"];
                    "application/zip": string;
                };
            };
            /** @description With `Prefer: respond-async`: the work has become a job */
            202: {
                headers: {
                    /** @description Path of the job */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The query, the body or the image cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The header Accept, or it and the format named, leave nothing that can be sent */
            406: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The answer is the one that If-None-Match names */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes or pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The bytes are of a format that is not read */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A parameter is understood but cannot be served */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests are under way, or of this client; Retry-After tells when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The models are being loaded, or cannot be, or the request waited or took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cvat: {
        parameters: {
            query?: {
                /** @description Classes known to be in the image, as cat,dog; empty: none. Default: those the classifier finds */
                labels?: string[];
                /** @description Scales at which the image is looked at, as 0.5,1,1.5. Default: the model's */
                scales?: number[];
                /** @description Whether the mirrored image is looked at as well. Default: true of maps, of mode fast the model's */
                mirror?: boolean;
                /** @description Long side, in pixels, to which larger images are reduced. Default: 512. For perimeters, refinement and CRFs no more than 331776 pixels in all, as 768×432 or 576×576 are */
                "working-size"?: number;
                /** @description Map value above which a pixel is foreground; for masks */
                threshold?: number;
                /** @description Regions of a smaller share of the image take their surroundings' class; for masks */
                "min-area"?: number;
                /** @description Superpixels by slic, quickshift or both, each with a result; for perimeters */
                method?: "slic" | "quickshift" | "both";
                /** @description Exact boundary, canny on a picture of the regions, canny-photo; for perimeters */
                detector?: "boundary" | "canny" | "canny-photo";
                /** @description Most iterations of the training on the image; for perimeters */
                iterations?: number;
                /** @description Training ends with fewer labels than this; for perimeters */
                "min-labels"?: number;
                /** @description Seed of the training's initial weights; for perimeters */
                seed?: number;
                /** @description How maps are fitted to perimeters; for refinement */
                fit?: "reference" | "all" | "majority" | "region-mean" | "half" | "mean-majority";
                /** @description Whether fitted maps walk at random between edges; for refinement. Default: where there is an AffinityNet */
                walk?: boolean;
                /** @description Whose edges a walk respects: AffinityNet's (model) or perimeter. Default: model, where there is one */
                edge?: "model" | "perimeter";
                /** @description Whether a dense CRF revises the mask. Default: true of refinement, else the model's */
                crf?: boolean;
                /** @description Name of the CAM model to ask; the service tells which may be named */
                "cam-model"?: string;
                /** @description The same of the AffinityNet */
                "affinity-model"?: string;
                /** @description The same of the segmentation network */
                "segmentation-model"?: string;
                /** @description fast: by a segmentation network; cam: cut from maps as they are; pipeline: from refined maps. Default: fast where there is such a network and no cam-model is named, else cam */
                mode?: "fast" | "cam" | "pipeline";
                /** @description Colours of heat maps. Default: grey for png and scores, inferno for overlay */
                colormap?: "grey" | "viridis" | "magma" | "inferno" | "turbo";
                /** @description Pixels that polygons of geojson may be away from the mask's borders; 0: exact. Default: 1 */
                tolerance?: number;
                /** @description How coco writes run lengths. Default: compressed */
                rle?: "compressed" | "counts";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CvatRequest"];
            };
        };
        responses: {
            /** @description Masks, one for each region */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CvatShape"][];
                };
            };
            /** @description The query, the body or the image cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes or pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The bytes are of a format that is not read */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A parameter is understood but cannot be served */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests are under way, or of this client; Retry-After tells when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The models are being loaded, or cannot be, or the request waited or took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    labelStudioPredict: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LabelStudioPredict"];
            };
        };
        responses: {
            /** @description A prediction for each task, in order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        results: components["schemas"]["LabelStudioPrediction"][];
                        model_version: string;
                    };
                };
            };
            /** @description The query, the body or the image cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes or pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The bytes are of a format that is not read */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A parameter is understood but cannot be served */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests are under way, or of this client; Retry-After tells when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The models are being loaded, or cannot be, or the request waited or took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    labelStudioSetup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LabelStudioSetup"];
            };
        };
        responses: {
            /** @description It can be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        model_version: string;
                    };
                };
            };
            /** @description The query, the body or the image cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes or pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A parameter is understood but cannot be served */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The models are being loaded, or cannot be, or the request waited or took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    labelStudioWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    action: string;
                };
            };
        };
        responses: {
            /** @description It was heard */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ignored";
                    };
                };
            };
            /** @description The query, the body or the image cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes or pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    labelStudioHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It may */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "UP";
                        model_class: string;
                    };
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The models are being loaded, or cannot be, or the request waited or took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its state */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description There is nothing at this path */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    endJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is being cancelled, or forgotten */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description There is nothing at this path */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobResult: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The result, of the form that was asked for */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The query, the body or the image cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is nothing at this path */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It is too late, or too early, for that */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many bytes or pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The bytes are of a format that is not read */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A parameter is understood but cannot be served */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The models are being loaded, or cannot be, or the request waited or took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Metrics in Prometheus's text format */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Live"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The models are being loaded, or cannot be, or the request waited or took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description An OpenAPI 3.1 document */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
            /** @description A fault of this program */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
