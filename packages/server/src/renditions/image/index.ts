export {
  CannotDecodeImage,
  createImageDecoder,
  type DecodedImage,
  type ImageDecoder,
  type ImageDecoderParts,
  type ImageLimits,
  type ImageSource,
  type ImageWanted,
  imageLimits,
} from './decoder.ts'
export { planSizes } from './sizes.ts'
