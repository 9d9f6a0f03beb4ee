import { describeStoreContract } from '../contract.ts';
import { createTestStore } from './test-store.test-support.ts';

describeStoreContract('sqlite', createTestStore);
